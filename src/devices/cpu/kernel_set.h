// The kernels of one instruction set, each checked against the portable one before it is used.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "devices/cpu/kernels/kernels.h"
#include "devices/cpu/kernels/op_kernels.h"
#include "tensor/dtype.h"

namespace yoke::cpu {

// Kernels that belong together: one that fails takes its group with it.
enum class OpGroup : uint8_t { kQuantize, kNorm, kRope, kGatedMul, kAdd, kKvWrite, kAttention };
inline constexpr size_t kOpGroups = 7;
std::string_view name(OpGroup group);  // "kv_write"

struct KernelSet {
  std::string isa;  // what was asked for: "avx512vnni"
  std::shared_ptr<const LinearKernels> linear;
  std::shared_ptr<const OpKernels> ops;
  // Where each one comes from: the set itself, or a lower one.
  std::array<std::string_view, kFormats> linear_isa{};
  std::array<std::string_view, kOpGroups> ops_isa{};
  // What failed its check and is not used: "avx512vnni linear Q4_K".
  std::vector<std::string> refused;

  LinearFn linear_for(DType type) const;  // null: none
  std::string isa_of(DType type) const;
  std::string isa_of(OpGroup group) const { return std::string(ops_isa[static_cast<size_t>(group)]); }
};

// Changes the kernels of the set asked for, before they are checked: how tests break one.
using AlterKernels = std::function<void(LinearKernels&, OpKernels&)>;

// isa: a name that choose_isa() returned. Where the build lacks a kernel, or one differs from the portable
// kernel in any bit of a small input, the next lower set's stands in. check = false takes them as they are.
KernelSet kernel_set(std::string_view isa, bool check = true, const AlterKernels& alter = {});

}  // namespace yoke::cpu
