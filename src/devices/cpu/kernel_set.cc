#include "devices/cpu/kernel_set.h"

#include <span>

namespace yoke::cpu {
namespace {

struct Entry {
  std::string_view isa;
  const LinearKernels* (*linear)();
  const OpKernels* (*ops)();
};

constexpr Entry kEntries[] = {
    {"avx512vnni", linear_avx512vnni, ops_avx512},
    {"avx512", linear_avx512, ops_avx512},
    {"avx2", linear_avx2, ops_avx2},
    {"portable", linear_portable, ops_portable},
};

}  // namespace

LinearFn KernelSet::linear_for(DType type) const {
  const std::span<const DTypeTraits> all = all_dtypes();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].type == type) return linear->linear[i];
  }
  return nullptr;
}

KernelSet kernel_set(std::string_view isa) {
  for (const Entry& entry : kEntries) {
    if (entry.isa == isa && entry.linear() != nullptr && entry.ops() != nullptr) {
      return {std::string(isa), entry.linear(), entry.ops()};
    }
  }
  return {"portable", linear_portable(), ops_portable()};
}

}  // namespace yoke::cpu
