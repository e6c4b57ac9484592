// Whole steps of a model's shape on the CPU device, op by op: where the time of a decode step goes.
//   bench_step [shape] [format] [rows] [depth] [threads] [isa, "" for the best] [steps]
// e.g. bench_step smollm2 q4_1 1 128 2; rows 1 is decode, more is a prompt's chunk. No file is read: the
// weights are one pattern.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "devices/cpu/cpu_device.h"
#include "devices/cpu/roofs.h"
#include "program/compile.h"
#include "program/executor.h"
#include "support/small_net.h"
#include "tensor/layout.h"

namespace yoke {
namespace {

// The least and the median time of each op of a step over all steps: what the machine does when nothing
// disturbs it, and what it did.
class OpTimes : public CpuOpObserver {
 public:
  void on_op(std::string_view op, std::string_view kernel, int32_t layer, uint64_t ns) override {
    if (at_ == ops_.size()) {
      const char* const where = layer < 0 ? " (outside)" : "";
      ops_.push_back({std::string(op) + " " + std::string(kernel) + where, {}});
    }
    // With one thread its own CPU time does not see who else uses the machine.
    const uint64_t now = cpu_ns();
    if (one_thread) ns = now - since_;
    ops_[at_].ns.push_back(ns);
    ++at_;
    since_ = cpu_ns();
  }
  void next_step() {
    at_ = 0;
    since_ = cpu_ns();
  }
  bool one_thread = false;

  void print() {
    struct Kind {
      double least_us = 0, median_us = 0;
      int count = 0;
    };
    std::map<std::string, Kind> kinds;
    Kind all;
    for (Op& op : ops_) {
      const auto middle = op.ns.begin() + std::ssize(op.ns) / 2;
      std::ranges::nth_element(op.ns, middle);
      for (Kind* const kind : {&kinds[op.name], &all}) {
        kind->least_us += static_cast<double>(*std::ranges::min_element(op.ns)) / 1e3;
        kind->median_us += static_cast<double>(*middle) / 1e3;
        ++kind->count;
      }
    }
    std::vector<std::pair<std::string, Kind>> sorted(kinds.begin(), kinds.end());
    std::ranges::sort(sorted, [](auto& a, auto& b) { return a.second.least_us > b.second.least_us; });
    std::printf("op by op (least %.0f us, medians %.0f us with a barrier and a clock per op):\n",
                all.least_us, all.median_us);
    std::printf("  %-48s %11s %12s %12s %12s\n", "", "in a step", "least us", "median us", "of the step");
    for (const auto& [name, kind] : sorted) {
      std::printf("  %-48s %11d %12.2f %12.2f %10.1f %%\n", name.c_str(), kind.count,
                  kind.least_us / kind.count, kind.median_us / kind.count,
                  100.0 * kind.least_us / all.least_us);
    }
  }

 private:
  struct Op {
    std::string name;
    std::vector<uint64_t> ns;  // [steps]
  };
  static uint64_t cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(t.tv_nsec);
  }

  std::vector<Op> ops_;
  size_t at_ = 0;
  uint64_t since_ = 0;
};

testing::SmallNetShape shape_of(const std::string& name, DType type) {
  testing::SmallNetShape s;
  s.type = s.up_type = type;
  if (name == "smollm2") {
    s.layers = 30, s.width = 576, s.feed_forward = 1536, s.vocabulary = 49152, s.heads = 9, s.kv_heads = 3;
  } else {
    s.layers = 22, s.width = 2048, s.feed_forward = 5632, s.vocabulary = 32000, s.heads = 32, s.kv_heads = 4;
  }
  return s;
}

class Bench {
 public:
  Bench(const testing::SmallNetShape& shape, int32_t rows, int32_t depth, const CpuOptions& options)
      : net_(testing::SmallNet(shape).net), device_(make_cpu_device(options)) {
    const StepLimits limits{.rows = rows,
                            .wanted = 1,
                            .sequences = 1,
                            .blocks_per_sequence = (depth + 31) / 32,
                            .rope_pairs = {shape.head_dim / 2}};
    PhasePlacement placement;
    placement.devices = {{"cpu", DeviceKind::kCpu}};
    placement.op_device.assign(net_.ops.size(), 0);
    Program program = compile(net_, placement, limits);
    ExecutorParts parts;
    parts.devices = {device_.get()};
    // One buffer for all weights, as the engine has: small matrices then lie in huge pages too.
    uint64_t bytes = 0;
    for (const ProgramWeight& w : program.weights) bytes += aligned(w.bytes);
    Buffer& weights = filled(bytes, BufferUse::kWeights);
    uint64_t at = 0;
    for (const ProgramWeight& w : program.weights) {
      parts.weights.push_back(weight(w, weights, at));
      at += aligned(w.bytes);
    }
    for (const ProgramCache& c : program.caches) parts.caches.push_back(cache(c, limits.blocks_per_sequence));
    executor_ = std::make_unique<Executor>(std::move(program), parts);
    make_step(rows, depth, limits);
  }

  double step_s() {
    const auto begin = std::chrono::steady_clock::now();
    executor_->run(step_);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  uint64_t weight_bytes() const { return device_->allocated_bytes(BufferUse::kWeights); }
  const Device& device() const { return *device_; }

 private:
  static uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }
  BoundWeight weight(const ProgramWeight& w, Buffer& buffer, uint64_t at) {
    const NetWeight& source = net_.weights[index(w.source)];
    return {&buffer, at, source.type, w.layout, source.rows, source.cols};
  }
  BoundCache cache(const ProgramCache& c, int32_t blocks) {
    const NetCache& source = net_.caches[index(c.source)];
    const uint64_t bytes = kv_block_bytes(KvType::kF16, source.kv_heads, source.head_dim) * blocks;
    return {&filled(bytes, BufferUse::kCache), 0, source.kv_heads, source.head_dim, KvType::kF16, blocks};
  }
  Buffer& filled(uint64_t bytes, BufferUse use) {
    buffers_.push_back(device_->allocate(bytes, use));
    // Halves, floats and bytes of this pattern are small ordinary numbers.
    std::memset(buffers_.back()->host(), 0x2A, bytes);
    return *buffers_.back();
  }
  void make_step(int32_t rows, int32_t depth, const StepLimits& limits) {
    step_.rows = rows;
    step_.blocks_per_sequence = limits.blocks_per_sequence;
    for (int32_t b = 0; b < limits.blocks_per_sequence; ++b) step_.block_tables.push_back(b);
    step_.spans.push_back({0, 0, rows, depth - rows});
    for (int32_t r = 0; r < rows; ++r) {
      step_.tokens.push_back(r);
      step_.positions.push_back(depth - rows + r);
      step_.sequences.push_back(0);
    }
    step_.wanted_rows = {rows - 1};
    step_.ropes.emplace_back(static_cast<size_t>(rows) * limits.rope_pairs[0] * 2, 0.7f);
  }

  Net net_;
  std::unique_ptr<Device> device_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::unique_ptr<Executor> executor_;
  StepInputs step_;
};

std::string argument(int argc, char** argv, int i, const char* otherwise) {
  return i < argc ? argv[i] : otherwise;
}

int run(int argc, char** argv) {
  const std::string shape = argument(argc, argv, 1, "smollm2");
  const DType type = dtype_from_name(argument(argc, argv, 2, "q4_1")).value();
  const int32_t rows = std::stoi(argument(argc, argv, 3, "1"));
  const int32_t depth = std::max(rows, std::stoi(argument(argc, argv, 4, "128")));
  CpuOptions options;
  options.threads = std::stoi(argument(argc, argv, 5, "0"));
  options.isa = argument(argc, argv, 6, "");

  const int steps = std::stoi(argument(argc, argv, 7, rows > 1 ? "20" : "200"));
  std::vector<double> times;
  {
    Bench plain(shape_of(shape, type), rows, depth, options);
    std::printf("%s, %s %s, %d rows at depth %d\n", plain.device().info().description.c_str(), shape.c_str(),
                std::string(traits(type).name).c_str(), rows, depth);
    for (int i = 0; i < steps; ++i) times.push_back(plain.step_s());
    std::sort(times.begin(), times.end());
    std::printf("step: best %.0f us, median %.0f us; best is %.1f tokens/s, %.1f GB/s of weights\n",
                times[0] * 1e6, times[times.size() / 2] * 1e6, rows / times[0],
                static_cast<double>(plain.weight_bytes()) / times[0] / 1e9);
  }
  OpTimes observed;
  observed.one_thread = options.threads == 1;
  options.observer = &observed;
  Bench traced(shape_of(shape, type), rows, depth, options);
  for (int i = 0; i < steps; ++i) {
    observed.next_step();
    traced.step_s();
  }
  observed.print();
  const CpuRoofs roofs = measure_cpu_roofs({.threads = options.threads, .isa = options.isa});
  std::printf("roofs: reads %.1f GB/s, int8 dot products %.0f GOP/s (%s), %d threads\n", roofs.read_gb_s,
              roofs.int8_gop_s, roofs.isa.c_str(), roofs.threads);
  return 0;
}

}  // namespace
}  // namespace yoke

int main(int argc, char** argv) {
  return yoke::run(argc, argv);
}
