// Runs a kernel on a small input that has what careless kernels get wrong and compares it with the portable
// one, bit by bit.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "devices/cpu/kernel_set.h"

namespace yoke::cpu {

// Of the largest product: whole tiles of every kernel in both directions and a remainder, float weights
// widened.
struct CheckSize {
  int32_t rows = 17;  // at most kMostCheckRows
  int64_t columns = 33;
};
inline constexpr int32_t kMostCheckRows = 67;

// Some microseconds a kernel. A kernel that writes outside its output fails too.
class KernelChecks {
 public:
  KernelChecks();
  ~KernelChecks();

  // format: position in LinearKernels.
  bool passes(size_t format, LinearFn kernel, const CheckSize& size);
  bool passes(OpGroup group, const OpKernels& kernels);

 private:
  struct Inputs;
  Inputs& inputs();

  std::unique_ptr<Inputs> inputs_;  // made when first asked for
};

}  // namespace yoke::cpu
