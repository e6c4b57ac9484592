// A segment of one op many times over, each with its own memory, on the CPU device: what an op costs in a
// step, barrier included.
#pragma once

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "devices/cpu/cpu_device.h"
#include "devices/device.h"
#include "program/program.h"

namespace yoke::bench {

// The device of all benchmarks: YOKE_BENCH_THREADS and YOKE_BENCH_ISA choose.
Device& device();
int threads();
std::string isa();

class Chain {
 public:
  explicit Chain(StepInputs step) : step_(std::move(step)) {}

  ValueId value(int64_t width, ActFormat format = ActFormat::kF32);
  WeightId weight(DType type, Layout layout, int64_t rows, int64_t cols);
  CacheId cache(KvType type, int32_t kv_heads, int32_t head_dim, int32_t blocks);
  void op(Op op) { program_.segments[0].ops.push_back({std::move(op), -1, true}); }
  size_t ops() const { return program_.segments[0].ops.size(); }

  void compile();
  void run();

 private:
  Buffer& buffer(uint64_t bytes, BufferUse use);

  StepInputs step_;
  Program program_{.limits = {},
                   .devices = {},
                   .values = {},
                   .weights = {},
                   .caches = {},
                   .segments = {Segment{"bench", 0, {}, {}}}};
  Bindings bindings_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::unique_ptr<StepBuffer> step_buffer_;
  std::unique_ptr<CompiledSegment> segment_;
};

// `sequences` of `rows` rows each, whose last row stands at position depth - 1; shuffled blocks.
StepInputs step_at(int32_t sequences, int32_t rows, int32_t depth, int32_t rope_pairs);

// Runs the chain and tells the time of one op, its GB/s and GOP/s.
void measure(benchmark::State& state, Chain& chain, double bytes_per_op, double operations_per_op);

}  // namespace yoke::bench
