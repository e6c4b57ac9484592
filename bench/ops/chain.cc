#include "chain.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>

#include "tensor/layout.h"

namespace yoke::bench {

int threads() {
  const char* const text = std::getenv("YOKE_BENCH_THREADS");
  return text == nullptr ? 0 : std::atoi(text);
}

std::string isa() {
  const char* const text = std::getenv("YOKE_BENCH_ISA");
  return text == nullptr ? "" : text;
}

Device& device() {
  static const std::unique_ptr<Device> cpu = make_cpu_device({.threads = threads(), .isa = isa()});
  return *cpu;
}

Buffer& Chain::buffer(uint64_t bytes, BufferUse use) {
  buffers_.push_back(device().allocate((bytes + 255) / 256 * 256, use));
  Buffer& made = *buffers_.back();
  // Halves, floats and bytes of this pattern are small ordinary numbers; untouched pages would all be one.
  std::memset(made.host(), 0x2A, made.bytes());
  return made;
}

ValueId Chain::value(int64_t width, ActFormat format) {
  ProgramValue v;
  v.name = "value";
  v.width = width;
  v.format = format;
  v.row_bytes = static_cast<uint64_t>(act_layout(format, width).row_bytes);
  v.bytes = v.row_bytes * static_cast<uint64_t>(step_.rows);
  program_.values.push_back(v);
  bindings_.values.push_back({&buffer(v.bytes, BufferUse::kScratch), 0});
  return static_cast<ValueId>(program_.values.size() - 1);
}

WeightId Chain::weight(DType type, Layout layout, int64_t rows, int64_t cols) {
  Buffer& b = buffer(layout_bytes(type, layout, rows, cols), BufferUse::kWeights);
  bindings_.weights.push_back({&b, 0, type, layout, rows, cols});
  return static_cast<WeightId>(bindings_.weights.size() - 1);
}

CacheId Chain::cache(KvType type, int32_t kv_heads, int32_t head_dim, int32_t blocks) {
  Buffer& b =
      buffer(kv_block_bytes(type, kv_heads, head_dim) * static_cast<uint64_t>(blocks), BufferUse::kCache);
  bindings_.caches.push_back({&b, 0, kv_heads, head_dim, type, blocks});
  return static_cast<CacheId>(bindings_.caches.size() - 1);
}

void Chain::compile() {
  program_.limits = {.rows = step_.rows,
                     .wanted = step_.wanted(),
                     .sequences = static_cast<int32_t>(step_.spans.size()),
                     .blocks_per_sequence = step_.blocks_per_sequence,
                     .rope_pairs = {}};
  for (const std::vector<float>& rope : step_.ropes) {
    program_.limits.rope_pairs.push_back(static_cast<int32_t>(rope.size()) / step_.rows / 2);
  }
  step_buffer_ = device().make_step_buffer(program_.limits);
  device().write_step(*step_buffer_, step_);
  segment_ = device().compile(program_, program_.segments[0], bindings_, *step_buffer_);
}

void Chain::run() {
  wait(device().launch(Lane::kCompute, *segment_, {}));
}

StepInputs step_at(int32_t sequences, int32_t rows, int32_t depth, int32_t rope_pairs) {
  StepInputs step;
  step.rows = sequences * rows;
  step.blocks_per_sequence = (depth + kBlockPositions - 1) / kBlockPositions;
  std::vector<int32_t> blocks(static_cast<size_t>(sequences) * step.blocks_per_sequence);
  for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<int32_t>(i);
  std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
  step.block_tables = blocks;
  for (int32_t s = 0; s < sequences; ++s) {
    step.spans.push_back({s, s * rows, rows, depth - rows});
    for (int32_t r = 0; r < rows; ++r) {
      step.tokens.push_back(r);
      step.positions.push_back(depth - rows + r);
      step.sequences.push_back(s);
    }
  }
  step.ropes.emplace_back(static_cast<size_t>(step.rows) * rope_pairs * 2, 0.5f);
  return step;
}

void measure(benchmark::State& state, Chain& chain, double bytes_per_op, double operations_per_op) {
  chain.compile();
  chain.run();
  for (auto _ : state) chain.run();
  const double ops = static_cast<double>(state.iterations()) * static_cast<double>(chain.ops());
  state.counters["s_per_op"] =
      benchmark::Counter(ops, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (bytes_per_op > 0) {
    state.counters["B/s"] = benchmark::Counter(ops * bytes_per_op, benchmark::Counter::kIsRate);
  }
  if (operations_per_op > 0) {
    state.counters["op/s"] = benchmark::Counter(ops * operations_per_op, benchmark::Counter::kIsRate);
  }
}

}  // namespace yoke::bench
