// One op of a compiled segment: resolved addresses and a kernel, run by all members of the team at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devices/cpu/kernel_set.h"
#include "devices/device.h"
#include "program/program.h"
#include "program/step_inputs.h"

namespace yoke::cpu {

struct Member {
  int index = 0;
  int count = 1;
  std::byte* scratch = nullptr;  // of this member, 64-byte aligned, as large as the largest op asked for
  std::byte* shared = nullptr;   // of the team, likewise
  uint32_t run = 1;              // counts the segments that the team has walked
  const int* nodes = nullptr;    // [count] memory node of each member; null: all on one
};

class CpuOp {
 public:
  virtual ~CpuOp() = default;
  // By one thread before the segment runs: sets counters back.
  virtual void start() {}
  // By every member; divides the work among them without a barrier inside, and never changes a float by it.
  virtual void run(const StepInputs& step, const Member& me) = 0;
  virtual std::string kernel() const = 0;  // for `yoke plan`
  virtual uint64_t scratch_bytes() const { return 0; }
  virtual uint64_t shared_bytes() const { return 0; }
  // f(memory, bytes, member): which part of the op's weights each member reads, for members' memory nodes.
  using PartSink = std::function<void(const std::byte* memory, uint64_t bytes, int member)>;
  virtual void weight_parts(int members, const PartSink& sink) const {
    (void)members;
    (void)sink;
  }
};

// A value of the Program at its place in memory.
struct Rows {
  std::byte* base = nullptr;
  int64_t row_bytes = 0;
  int64_t width = 0;
  RowKind kind = RowKind::kRows;
  ActFormat format = ActFormat::kF32;

  std::byte* row(int64_t r) const { return base + r * row_bytes; }
  float* floats(int64_t r) const { return reinterpret_cast<float*>(row(r)); }
  int64_t count(const StepInputs& step) const { return kind == RowKind::kRows ? step.rows : step.wanted(); }
};

struct Matrix {
  const std::byte* base = nullptr;
  DType type = DType::kF32;
  Layout layout = Layout::kStored;
  int64_t rows = 0;
  int64_t cols = 0;

  const float* floats() const { return reinterpret_cast<const float*>(base); }
};

struct Cache {
  std::byte* base = nullptr;
  int64_t block_bytes = 0;
  int64_t v_offset = 0;
  int32_t kv_heads = 0;
  int32_t head_dim = 0;
  KvType type = KvType::kF16;
  int32_t blocks = 0;
};

// What an op's builder may ask while a segment is compiled.
struct Resolver {
  Rows rows(ValueId id) const;
  Matrix weight(WeightId id) const;
  Cache cache(CacheId id) const;

  const Program& program;
  const Bindings& bindings;
  const KernelSet& kernels;
  int members;
};

// The op with its addresses; fails where a binding is missing or too small.
std::unique_ptr<CpuOp> make_op(const Op& op, const Resolver& resolver);

std::unique_ptr<CpuOp> make_linear(const Linear& op, const Resolver& resolver);
std::unique_ptr<CpuOp> make_gated_linear(const GatedLinear& op, const Resolver& resolver);
std::unique_ptr<CpuOp> make_attention(const Attention& op, const Resolver& resolver);

// Part `index` of `count` nearly equal parts of [0, total).
struct Part {
  int64_t begin = 0;
  int64_t end = 0;
};
inline Part part_of(int64_t total, int index, int count) {
  return {total * index / count, total * (index + 1) / count};
}

// f(row, begin, end) for a part of rows x units, units of one row together.
template <class F>
void for_rows_of(const Part& part, int64_t units, F&& f) {
  for (int64_t at = part.begin; at < part.end;) {
    const int64_t row = at / units;
    const int64_t begin = at - row * units;
    const int64_t end = std::min(units, begin + part.end - at);
    f(row, begin, end);
    at += end - begin;
  }
}

// So many rows for each member, and all ops are divided by rows alone: what a member made lies in its own
// core's cache for the next op, and reading the weights once per member stays far below what memory gives.
// Products of fewer rows are divided by columns.
inline constexpr int64_t kOwnRows = 128;

// The same for this member's part of all, row after row.
template <class F>
void for_part(int64_t rows, int64_t units, const Member& me, F&& f) {
  for_rows_of(part_of(rows * units, me.index, me.count), units, f);
}
// Its part where units of a row can be treated apart: of few rows the columns that it made.
template <class F>
void for_own_part(int64_t rows, int64_t units, const Member& me, F&& f) {
  if (rows >= kOwnRows * me.count || units < me.count) return for_part(rows, units, me, f);
  const Part part = part_of(units, me.index, me.count);
  for (int64_t row = 0; row < rows; ++row) f(row, part.begin, part.end);
}

}  // namespace yoke::cpu
