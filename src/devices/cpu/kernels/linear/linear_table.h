// A set's table of matrix products, filled on first use from the families that linear_kernels.cc defines.
#pragma once

#include "devices/cpu/kernels/kernels.h"

// Inside yoke::cpu: declares the families of set `isa` and defines table_isa().
#define YOKE_DECLARE_SET(isa)                 \
  void linear_floats_##isa(LinearKernels&);   \
  void linear_bf16_##isa(LinearKernels&);     \
  void linear_block32_##isa(LinearKernels&);  \
  void linear_super256_##isa(LinearKernels&); \
  namespace {                                 \
  const LinearKernels* table_##isa() {        \
    static const LinearKernels table = [] {   \
      LinearKernels t{};                      \
      linear_floats_##isa(t);                 \
      linear_bf16_##isa(t);                   \
      linear_block32_##isa(t);                \
      linear_super256_##isa(t);               \
      return t;                               \
    }();                                      \
    return &table;                            \
  }                                           \
  }
