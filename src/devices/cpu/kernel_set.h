// The kernels of one instruction set, chosen by name.
#pragma once

#include <string>
#include <string_view>

#include "devices/cpu/kernels/kernels.h"
#include "devices/cpu/kernels/op_kernels.h"
#include "tensor/dtype.h"

namespace yoke::cpu {

struct KernelSet {
  std::string isa;      // "avx512vnni": of the products
  std::string ops_isa;  // "avx512": of the other ops, which need no VNNI
  const LinearKernels* linear = nullptr;
  const OpKernels* ops = nullptr;

  LinearFn linear_for(DType type) const;  // null: none
};

// isa: a name that choose_isa() returned. Where the build lacks a set, the next lower one stands in.
KernelSet kernel_set(std::string_view isa);

}  // namespace yoke::cpu
