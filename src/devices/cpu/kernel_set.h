// The kernels of one instruction set, chosen by name.
#pragma once

#include <string>
#include <string_view>

#include "devices/cpu/kernels/kernels.h"
#include "devices/cpu/kernels/op_kernels.h"
#include "tensor/dtype.h"

namespace yoke::cpu {

struct KernelSet {
  std::string isa;  // "avx512vnni"
  const LinearKernels* linear = nullptr;
  const OpKernels* ops = nullptr;

  LinearFn linear_for(DType type) const;  // null: none
};

// isa: a name that choose_isa() returned.
KernelSet kernel_set(std::string_view isa);

}  // namespace yoke::cpu
