// Runs a kernel on a small input that has what careless kernels get wrong and compares it with the portable
// one, bit by bit.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "devices/cpu/kernel_set.h"

namespace yoke::cpu {

// Some microseconds a kernel. A kernel that writes outside its output fails too.
class KernelChecks {
 public:
  KernelChecks();
  ~KernelChecks();

  // format: position in LinearKernels.
  bool passes(size_t format, LinearFn kernel);
  bool passes(OpGroup group, const OpKernels& kernels);

 private:
  struct Inputs;
  Inputs& inputs();

  std::unique_ptr<Inputs> inputs_;  // made when first asked for
};

}  // namespace yoke::cpu
