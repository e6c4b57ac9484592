#include "devices/cpu/cpu_device.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "base/cpu_features.h"
#include "base/cpu_topology.h"
#include "base/error.h"
#include "base/memory_node.h"
#include "base/thread_team.h"
#include "devices/cpu/cpu_buffer.h"
#include "devices/cpu/cpu_segment.h"
#include "devices/cpu/lane_clock.h"

namespace yoke {
namespace cpu {
namespace {

class CpuStepBuffer final : public StepBuffer {
 public:
  explicit CpuStepBuffer(const StepLimits& limits) : limits_(limits) {
    const size_t rows = limits.rows;
    inputs_.tokens.reserve(rows);
    inputs_.positions.reserve(rows);
    inputs_.sequences.reserve(rows);
    inputs_.spans.reserve(limits.sequences);
    inputs_.block_tables.reserve(static_cast<size_t>(limits.sequences) * limits.blocks_per_sequence);
    inputs_.wanted_rows.reserve(limits.wanted);
    inputs_.ropes.resize(limits.rope_pairs.size());
    for (size_t i = 0; i < limits.rope_pairs.size(); ++i)
      inputs_.ropes[i].reserve(rows * limits.rope_pairs[i] * 2);
  }

  // Copies within what was reserved: no allocation.
  void set(const StepInputs& inputs) {
    if (inputs.rows > limits_.rows || inputs.wanted() > limits_.wanted ||
        static_cast<int64_t>(inputs.spans.size()) > limits_.sequences ||
        inputs.blocks_per_sequence > limits_.blocks_per_sequence) {
      fail(ErrorKind::kRuntime, "writing a step's inputs",
           std::to_string(inputs.rows) + " rows, " + std::to_string(inputs.wanted()) + " wanted and " +
               std::to_string(inputs.spans.size()) + " sequences exceed the limits of " +
               std::to_string(limits_.rows) + ", " + std::to_string(limits_.wanted) + " and " +
               std::to_string(limits_.sequences));
    }
    check_rows(inputs);
    inputs_ = inputs;
  }
  const StepInputs& inputs() const { return inputs_; }

 private:
  // What kernels index with lies inside what they index.
  static void check_rows(const StepInputs& in) {
    const auto wrong = [](const std::string& what) {
      fail(ErrorKind::kRuntime, "writing a step's inputs", what);
    };
    const auto rows = static_cast<size_t>(in.rows);
    if (in.tokens.size() < rows || in.positions.size() < rows || in.sequences.size() < rows) {
      wrong("not every row has a token, a position and a sequence");
    }
    const int64_t tables = in.blocks_per_sequence > 0
                               ? static_cast<int64_t>(in.block_tables.size()) / in.blocks_per_sequence
                               : 0;
    const int64_t positions = int64_t{in.blocks_per_sequence} * kBlockPositions;
    const auto inside = [&](int32_t sequence, int64_t first, int64_t last) {
      return sequence >= 0 && sequence < tables && first >= 0 && last < positions;
    };
    for (size_t r = 0; tables > 0 && r < rows; ++r) {
      if (!inside(in.sequences[r], in.positions[r], in.positions[r])) {
        wrong("row " + std::to_string(r) + " stands outside of the block tables");
      }
    }
    for (const StepSpan& span : in.spans) {
      const bool held = span.first_row >= 0 && span.rows >= 0 && span.first_row <= in.rows - span.rows;
      if (!held ||
          (tables > 0 && span.rows > 0 &&
           !inside(span.sequence, span.first_position, int64_t{span.first_position} + span.rows - 1))) {
        wrong("a span of " + std::to_string(span.rows) + " rows stands outside of the step");
      }
    }
    for (const int32_t row : in.wanted_rows) {
      if (row < 0 || row >= in.rows) wrong("wanted row " + std::to_string(row) + " is not in the step");
    }
  }

  StepLimits limits_;
  StepInputs inputs_;
};

std::string describe(const CpuFeatures& features, const std::string& isa, int threads) {
  std::string text = features.brand.empty() ? "CPU" : features.brand;
  if (features.family != 0) {
    text += " (family " + std::to_string(features.family) + ", model " + std::to_string(features.model) + ")";
  }
  return text + ", " + isa + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

class CpuDevice final : public Device {
 public:
  CpuDevice(const CpuOptions& options, const CpuFeatures& features, const CpuTopology& topology,
            const TeamPlan& plan)
      : kernels_(kernel_set(choose_isa(options.isa, features), options.check_kernels, options.alter_kernels)),
        runner_({.threads = plan.threads,
                 .cpus = options.pin && options.synthetic_topology.empty() ? plan.cpus : std::vector<int>{},
                 .oversubscribed = plan.oversubscribed},
                plan.nodes, options.observer) {
    if (options.synthetic_topology.empty()) os_nodes_ = topology.os_nodes;
    info_.name = "cpu";
    info_.description = describe(features, kernels_.isa, plan.threads);
    for (const std::string& kernel : kernels_.refused) {
      info_.description += ", " + kernel + " failed its check and is not used";
    }
    info_.kind = DeviceKind::kCpu;
    info_.memory_bytes = topology.memory_bytes;
    struct sysinfo system {};
    if (sysinfo(&system) == 0) {
      info_.free_bytes = static_cast<uint64_t>(system.freeram + system.bufferram) * system.mem_unit;
    }
    info_.max_buffer_bytes = std::numeric_limits<uint64_t>::max();
    set_memory_bound(options.memory_bound);
  }

  const DeviceInfo& info() const override { return info_; }

  std::optional<std::string> unsupported(const OpShape& shape) const override {
    const Op& op = *shape.op;
    const bool product = std::holds_alternative<Linear>(op) || std::holds_alternative<GatedLinear>(op);
    if (product && kernels_.linear_for(shape.weight) == nullptr) {
      return "no " + kernels_.isa + " kernel for " + std::string(traits(shape.weight).name);
    }
    const bool cached = std::holds_alternative<KvWrite>(op) || std::holds_alternative<Attention>(op);
    if (cached && shape.kv == KvType::kQ8_0 && shape.head_dim % 32 != 0) {
      return "a q8_0 cache takes heads of a multiple of 32 dimensions, not " + std::to_string(shape.head_dim);
    }
    if (cached && shape.head_dim > cpu::kMaxHeadDim) {
      return "heads of more than " + std::to_string(cpu::kMaxHeadDim) + " dimensions";
    }
    return std::nullopt;
  }
  std::optional<std::string> not_bitwise(const OpShape&) const override { return std::nullopt; }

  std::unique_ptr<Buffer> allocate(uint64_t bytes, BufferUse use) override {
    account(bytes, use);
    return std::make_unique<CpuBuffer>(bytes, use, [this, bytes, use] { release(bytes, use); });
  }
  std::unique_ptr<Buffer> wrap(std::span<std::byte> memory, BufferUse use) override {
    const uint64_t bytes = memory.size();
    account(bytes, use);
    return std::make_unique<CpuBuffer>(memory, use, [this, bytes, use] { release(bytes, use); });
  }
  void write(Buffer& to, uint64_t offset, std::span<const std::byte> from) override {
    check_range(to, offset, from.size(), "writing to a CPU buffer");
    if (!from.empty()) std::memcpy(to.host() + offset, from.data(), from.size());
  }
  void read(Buffer& from, uint64_t offset, std::span<std::byte> to) override {
    check_range(from, offset, to.size(), "reading a CPU buffer");
    if (!to.empty()) std::memcpy(to.data(), from.host() + offset, to.size());
  }

  std::unique_ptr<StepBuffer> make_step_buffer(const StepLimits& limits) override {
    return std::make_unique<CpuStepBuffer>(limits);
  }
  void write_step(StepBuffer& to, const StepInputs& inputs) override {
    static_cast<CpuStepBuffer&>(to).set(inputs);
  }

  std::unique_ptr<CompiledSegment> compile(const Program& program, const Segment& segment,
                                           const Bindings& bindings, StepBuffer& step) override {
    const Resolver resolver{program, bindings, kernels_, runner_.members()};
    auto compiled =
        std::make_unique<CpuSegment>(segment, resolver, static_cast<CpuStepBuffer&>(step).inputs());
    runner_.reserve(compiled->scratch_bytes(), compiled->shared_bytes());
    if (os_nodes_.size() > 1) {
      for (const NodeRange& range : compiled->node_ranges(runner_.nodes())) {
        move_to_memory_node(range.begin, range.bytes, os_nodes_[range.node]);
      }
    }
    return compiled;
  }

  TimePoint launch(Lane lane, CompiledSegment& segment, std::span<const TimePoint> waits) override {
    std::vector<TimePoint> others;
    for (const TimePoint& point : waits) {
      if (point.device != this || point.lane != lane) others.push_back(point);
    }
    const uint64_t value = clock(lane).launch([this, &segment, others = std::move(others)] {
      for (const TimePoint& point : others) yoke::wait(point);
      runner_.run(static_cast<CpuSegment&>(segment));
    });
    return {this, lane, value};
  }
  void wait(Lane lane, uint64_t value) override { clock(lane).wait(value); }

 private:
  static void check_range(Buffer& buffer, uint64_t offset, uint64_t bytes, const char* doing) {
    if (offset > buffer.bytes() || bytes > buffer.bytes() - offset) {
      fail(ErrorKind::kRuntime, doing,
           std::to_string(bytes) + " bytes at " + std::to_string(offset) + " are not inside a buffer of " +
               std::to_string(buffer.bytes()));
    }
  }
  LaneClock& clock(Lane lane) { return clocks_[static_cast<size_t>(lane)]; }

  DeviceInfo info_;
  KernelSet kernels_;
  SegmentRunner runner_;
  std::vector<int> os_nodes_;  // memory nodes on which weights are placed; empty: of a described machine
  LaneClock clocks_[3];
};

}  // namespace
}  // namespace cpu

std::unique_ptr<Device> make_cpu_device(const CpuOptions& options) {
  if (options.threads < 0 || options.threads > 1024) {
    fail(ErrorKind::kUsage, "starting the CPU's threads",
         std::to_string(options.threads) + " threads were asked for (1 to 1024, or 0 for one per core)");
  }
  const CpuFeatures features = detect_cpu_features();
  const CpuTopology topology = detect_cpu_topology(options.synthetic_topology);
  const TeamPlan plan = plan_team(topology, cgroup_cpu_limit(), options.threads);
  return std::make_unique<cpu::CpuDevice>(options, features, topology, plan);
}

}  // namespace yoke
