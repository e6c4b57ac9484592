#include "devices/cpu/kernel_set.h"

#include <span>

namespace yoke::cpu {
namespace {

struct Entry {
  std::string_view isa;
  const LinearKernels* (*linear)();
  const OpKernels* (*ops)();
  std::string_view ops_isa;
};

constexpr Entry kEntries[] = {
    {"avx512vnni", linear_avx512vnni, ops_avx512, "avx512"},
    {"avx512", linear_avx512, ops_avx512, "avx512"},
    {"avx2", linear_avx2, ops_avx2, "avx2"},
    {"portable", linear_portable, ops_portable, "portable"},
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
  KernelSet set;
  bool reached = false;
  for (const Entry& entry : kEntries) {
    reached = reached || entry.isa == isa;
    if (!reached) continue;
    if (set.linear == nullptr && entry.linear() != nullptr) {
      set.linear = entry.linear();
      set.isa = entry.isa;
    }
    if (set.ops == nullptr && entry.ops() != nullptr) {
      set.ops = entry.ops();
      set.ops_isa = entry.ops_isa;
    }
  }
  return set;
}

}  // namespace yoke::cpu
