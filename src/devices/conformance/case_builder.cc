#include "devices/conformance/case_builder.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "devices/reference/kv.h"
#include "tensor/quantize.h"

namespace yoke::conformance {
namespace {

// Rows of the class beyond those of the step, so that a kernel that trusts the class is seen.
constexpr int32_t kSpareRows = 3;
constexpr int32_t kSpareBlocks = 3;
// Between values: nothing may be written there.
constexpr uint64_t kGuardBytes = 256;

uint64_t align_up(uint64_t n, uint64_t to) {
  return (n + to - 1) / to * to;
}

}  // namespace

CaseBuilder::CaseBuilder(Random& random, int32_t rows)
    : CaseBuilder(random, std::vector<SequenceRows>{{0, rows}}) {}

CaseBuilder::CaseBuilder(Random& random, const std::vector<SequenceRows>& sequences) : random_(random) {
  StepInputs& step = case_.step;
  for (const SequenceRows& s : sequences) {
    const auto id = static_cast<int32_t>(step.spans.size());
    step.spans.push_back({id, step.rows, s.rows, s.position});
    for (int32_t r = 0; r < s.rows; ++r) {
      step.positions.push_back(s.position + r);
      step.sequences.push_back(id);
      step.tokens.push_back(0);
      if (step.rows % 2 == 0) step.wanted_rows.push_back(step.rows);
      ++step.rows;
    }
    step.blocks_per_sequence =
        std::max(step.blocks_per_sequence, (s.position + s.rows - 1) / kBlockPositions + 1);
  }
  const auto count = static_cast<int32_t>(sequences.size());
  cache_blocks_ = count * step.blocks_per_sequence + kSpareBlocks;
  std::vector<int32_t> ids(static_cast<size_t>(cache_blocks_));
  std::iota(ids.begin(), ids.end(), 0);
  for (int32_t i = cache_blocks_ - 1; i > 0; --i) std::swap(ids[i], ids[random.below(i + 1)]);
  step.block_tables.assign(static_cast<size_t>(count) * step.blocks_per_sequence, -1);
  size_t next = 0;
  for (int32_t s = 0; s < count; ++s) {
    const int32_t used = (sequences[s].position + sequences[s].rows - 1) / kBlockPositions + 1;
    for (int32_t b = 0; b < used; ++b) step.block_tables[s * step.blocks_per_sequence + b] = ids[next++];
  }
  case_.program.limits = {
      step.rows + kSpareRows, step.wanted() + kSpareRows, count, step.blocks_per_sequence, {}};
}

Bytes CaseBuilder::garbage(uint64_t bytes) {
  Bytes out(bytes);
  for (std::byte& b : out) b = random_.byte();
  return out;
}

ValueId CaseBuilder::add_value(ProgramValue value, Bytes bytes) {
  value.name = "v" + std::to_string(case_.values.size());
  case_.program.values.push_back(std::move(value));
  case_.values.push_back(std::move(bytes));
  return static_cast<ValueId>(case_.values.size() - 1);
}

ValueId CaseBuilder::output(int64_t width, ActFormat format, RowKind kind, MemoryKind memory) {
  ProgramValue value;
  value.width = width;
  value.rows = kind;
  value.format = format;
  value.memory = memory;
  value.row_bytes = static_cast<uint64_t>(act_layout(format, width).row_bytes);
  const StepLimits& limits = case_.program.limits;
  value.bytes = value.row_bytes * static_cast<uint64_t>(kind == RowKind::kRows ? limits.rows : limits.wanted);
  Bytes bytes = garbage(value.bytes);
  return add_value(std::move(value), std::move(bytes));
}

ValueId CaseBuilder::input(int64_t width, const std::vector<float>& floats, ActFormat format,
                           MemoryKind memory) {
  const ValueId id = output(width, format, RowKind::kRows, memory);
  const uint64_t row_bytes = case_.program.values[index(id)].row_bytes;
  for (int64_t r = 0; r < rows(); ++r) {
    quantize_activations(format, floats.data() + r * width, width,
                         case_.values[index(id)].data() + static_cast<uint64_t>(r) * row_bytes);
  }
  return id;
}

WeightId CaseBuilder::matrix(DType type, int64_t rows, int64_t cols, Bytes stored) {
  case_.weights.push_back({type, rows, cols, true, std::move(stored)});
  return static_cast<WeightId>(case_.weights.size() - 1);
}

WeightId CaseBuilder::vector(const std::vector<float>& floats) {
  Bytes bytes(floats.size() * sizeof(float));
  if (!bytes.empty()) std::memcpy(bytes.data(), floats.data(), bytes.size());
  case_.weights.push_back({DType::kF32, 1, static_cast<int64_t>(floats.size()), false, std::move(bytes)});
  return static_cast<WeightId>(case_.weights.size() - 1);
}

CacheId CaseBuilder::cache(KvType type, int32_t kv_heads, int32_t head_dim) {
  const uint64_t bytes = kv_block_bytes(type, kv_heads, head_dim) * static_cast<uint64_t>(cache_blocks_);
  case_.caches.push_back({kv_heads, head_dim, type, cache_blocks_, garbage(bytes)});
  return static_cast<CacheId>(case_.caches.size() - 1);
}

void CaseBuilder::fill_cache(CacheId id, const std::vector<float>& vectors) {
  using reference::KvPart;
  CaseCache& cache = case_.caches[index(id)];
  const reference::CacheView view{cache.bytes.data(), cache.kv_heads, cache.head_dim, cache.type,
                                  cache.blocks};
  const uint64_t block_bytes = kv_block_bytes(cache.type, cache.kv_heads, cache.head_dim);
  const size_t count = vectors.size() / static_cast<size_t>(cache.head_dim);
  size_t next = 0;
  const StepInputs& step = case_.step;
  for (const StepSpan& span : step.spans) {
    for (int32_t p = 0; p < span.first_position + span.rows; ++p) {
      const int32_t block = step.block_tables[span.sequence * step.blocks_per_sequence + p / kBlockPositions];
      std::byte* at = cache.bytes.data() + static_cast<uint64_t>(block) * block_bytes;
      for (int32_t h = 0; h < cache.kv_heads; ++h) {
        for (const KvPart part : {KvPart::kKeys, KvPart::kValues}) {
          const float* vector = vectors.data() + (next++ % count) * static_cast<size_t>(cache.head_dim);
          reference::store_vector(view, part, at, h, p % kBlockPositions, vector);
        }
      }
    }
  }
}

RopeId CaseBuilder::rope(int32_t pairs, std::vector<float> angles) {
  case_.program.limits.rope_pairs.push_back(pairs);
  case_.step.ropes.push_back(std::move(angles));
  return static_cast<RopeId>(case_.step.ropes.size() - 1);
}

Case CaseBuilder::build(Op op, std::string sizes) {
  Program& program = case_.program;
  ProgramDevice device;
  device.name = "device";
  for (ProgramValue& value : program.values) {
    uint64_t& end = value.memory == MemoryKind::kArena ? device.arena_bytes : device.staging_bytes;
    value.offset = align_up(end, 256) + kGuardBytes;
    end = value.offset + value.bytes + kGuardBytes;
  }
  program.devices = {device};
  case_.layouts = {Layout::kStored};
  for (size_t i = 0; i < case_.weights.size(); ++i) {
    const CaseWeight& w = case_.weights[i];
    program.weights.push_back({static_cast<WeightId>(i), 0, Layout::kStored, w.stored.size()});
    if (w.matrix) case_.layouts = {Layout::kStored, Layout::kPanel16};
  }
  for (size_t i = 0; i < case_.caches.size(); ++i) program.caches.push_back({static_cast<CacheId>(i), 0});
  ProgramOp one;
  one.op = std::move(op);
  program.segments.push_back({"conformance", 0, {one}, {}});
  case_.sizes = std::move(sizes);
  return std::move(case_);
}

}  // namespace yoke::conformance
