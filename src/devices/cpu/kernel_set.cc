#include "devices/cpu/kernel_set.h"

#include <map>
#include <mutex>
#include <span>

#include "devices/cpu/kernel_check.h"

namespace yoke::cpu {
namespace {

struct Entry {
  std::string_view isa;
  const LinearKernels* (*linear)();
  const OpKernels* (*ops)();
  std::string_view ops_isa;
  CheckSize check_size{};
};

constexpr Entry kEntries[] = {
    {"avx512amx", linear_avx512amx, ops_avx512, "avx512", {67, 65}},
    {"avx512bf16", linear_avx512bf16, ops_avx512, "avx512"},
    {"avx512vnni", linear_avx512vnni, ops_avx512, "avx512"},
    {"avx512", linear_avx512, ops_avx512, "avx512"},
    {"avx2vnni", linear_avx2vnni, ops_avx2, "avx2"},
    {"avx2", linear_avx2, ops_avx2, "avx2"},
    {"armi8mm", linear_armi8mm, ops_portable, "portable"},
    {"armdot", linear_armdot, ops_portable, "portable"},
    {"portable", linear_portable, ops_portable, "portable"},
};

// Takes a group's kernels from one table into another.
void take(OpGroup group, const OpKernels& from, OpKernels& to) {
  switch (group) {
    case OpGroup::kQuantize:
      to.quantize_q8x32 = from.quantize_q8x32;
      to.quantize_q8x256 = from.quantize_q8x256;
      to.round_bf16 = from.round_bf16;
      break;
    case OpGroup::kNorm:
      to.rms_factor = from.rms_factor;
      to.scale_rows = from.scale_rows;
      break;
    case OpGroup::kRope:
      to.head_norm_rope = from.head_norm_rope;
      break;
    case OpGroup::kGatedMul:
      to.gated_mul = from.gated_mul;
      break;
    case OpGroup::kAdd:
      to.add = from.add;
      break;
    case OpGroup::kKvWrite:
      for (int i = 0; i < kKvFormats; ++i) to.kv_write[i] = from.kv_write[i];
      break;
    case OpGroup::kAttention:
      to.tile_queries = from.tile_queries;
      to.attention_query = from.attention_query;
      for (int i = 0; i < kKvFormats; ++i) to.attention_tile[i] = from.attention_tile[i];
      to.attention_fold = from.attention_fold;
      to.attention_finish = from.attention_finish;
      break;
  }
}

// Fills a set's places from the best tables down.
class Chooser {
 public:
  Chooser(std::string_view isa, bool check) : check_(check) { set_.isa = isa; }

  void offer(const Entry& entry, const LinearKernels* linear, const OpKernels* ops) {
    if (entry.isa == "portable") check_ = false;  // it is what the others are checked against
    for (size_t i = 0; linear != nullptr && i < kFormats; ++i) offer_linear(entry, i, linear->linear[i]);
    if (ops == nullptr || entry.ops_isa == last_ops_) return;  // two sets share their ops: tried already
    last_ops_ = entry.ops_isa;
    for (size_t g = 0; g < kOpGroups; ++g) offer_ops(entry, static_cast<OpGroup>(g), *ops);
  }

  KernelSet finish() && {
    set_.linear = std::make_shared<LinearKernels>(linear_);
    set_.ops = std::make_shared<OpKernels>(ops_);
    return std::move(set_);
  }

 private:
  void offer_linear(const Entry& entry, size_t format, LinearFn kernel) {
    if (kernel == nullptr || linear_.linear[format] != nullptr) return;
    if (check_ && !checks_.passes(format, kernel, entry.check_size)) {
      refuse(std::string(entry.isa) + " linear " + std::string(all_dtypes()[format].name));
      return;
    }
    linear_.linear[format] = kernel;
    set_.linear_isa[format] = entry.isa;
  }

  void offer_ops(const Entry& entry, OpGroup group, const OpKernels& ops) {
    if (!set_.ops_isa[static_cast<size_t>(group)].empty()) return;
    if (check_ && !checks_.passes(group, ops)) {
      refuse(std::string(entry.ops_isa) + " " + std::string(name(group)));
      return;
    }
    take(group, ops, ops_);
    set_.ops_isa[static_cast<size_t>(group)] = entry.ops_isa;
  }

  void refuse(std::string what) { set_.refused.push_back(std::move(what)); }

  bool check_;
  KernelChecks checks_;
  KernelSet set_;
  LinearKernels linear_{};
  OpKernels ops_{};
  std::string_view last_ops_;
};

KernelSet choose(std::string_view isa, bool check, const AlterKernels& alter) {
  Chooser chooser(isa, check);
  bool reached = false;
  for (const Entry& entry : kEntries) {
    const bool asked = entry.isa == isa;
    reached = reached || asked;
    if (!reached) continue;
    const LinearKernels* linear = entry.linear();
    const OpKernels* ops = entry.ops();
    if (!asked || !alter || linear == nullptr || ops == nullptr) {
      chooser.offer(entry, linear, ops);
      continue;
    }
    LinearKernels altered_linear = *linear;
    OpKernels altered_ops = *ops;
    alter(altered_linear, altered_ops);
    chooser.offer(entry, &altered_linear, &altered_ops);
  }
  return std::move(chooser).finish();
}

size_t position_of(DType type) {
  const std::span<const DTypeTraits> all = all_dtypes();
  size_t i = 0;
  while (i < all.size() && all[i].type != type) ++i;
  return i;
}

}  // namespace

std::string_view name(OpGroup group) {
  constexpr std::string_view kNames[kOpGroups] = {"quantize_rows", "rms_norm", "head_norm_rope", "gated_mul",
                                                  "add",           "kv_write", "attention"};
  return kNames[static_cast<size_t>(group)];
}

LinearFn KernelSet::linear_for(DType type) const {
  const size_t i = position_of(type);
  return i < kFormats ? linear->linear[i] : nullptr;
}

std::string KernelSet::isa_of(DType type) const {
  const size_t i = position_of(type);
  return std::string(i < kFormats ? linear_isa[i] : std::string_view());
}

KernelSet kernel_set(std::string_view isa, bool check, const AlterKernels& alter) {
  if (!check || alter) return choose(isa, check, alter);
  // Checked once in a process: the CPU does not change.
  static std::mutex mutex;
  static std::map<std::string, KernelSet, std::less<>> checked;
  const std::scoped_lock lock(mutex);
  const auto found = checked.find(isa);
  if (found != checked.end()) return found->second;
  return checked.emplace(isa, choose(isa, true, {})).first->second;
}

}  // namespace yoke::cpu
