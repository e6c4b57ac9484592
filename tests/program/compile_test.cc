// Compiled Programs keep their promises: values live apart, hazards have barriers, copies reach their
// readers.
#include "program/compile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/small_net.h"

namespace yoke {
namespace {

using testing::SmallNet;
using testing::SmallNetShape;

StepLimits limits() {
  return {.rows = 64, .wanted = 2, .sequences = 2, .blocks_per_sequence = 8, .rope_pairs = {32}};
}

const std::vector<PlacedDevice> kGpuCpu = {{"vulkan:0", DeviceKind::kVulkan}, {"cpu", DeviceKind::kCpu}};
const std::vector<PlacedDevice> kTwoGpus = {
    {"vulkan:0", DeviceKind::kVulkan}, {"vulkan:1", DeviceKind::kVulkan}, {"cpu", DeviceKind::kCpu}};

// Every op on the device that `of` says; Embed on the last one, which is a host.
template <class F>
PhasePlacement place(const Net& net, std::vector<PlacedDevice> devices, F of) {
  PhasePlacement placement{.devices = std::move(devices), .op_device = {}, .weight_device = {}};
  const auto host = static_cast<int32_t>(placement.devices.size() - 1);
  for (const NetOp& op : net.ops)
    placement.op_device.push_back(std::holds_alternative<Embed>(op.op) ? host : of(op));
  return placement;
}

// Follows the Program as a machine would: which value's bytes lie where, op after op.
class Follower {
 public:
  explicit Follower(const Program& program) : program_(program) {}

  void run() {
    for (size_t s = 0; s < program_.segments.size(); ++s) {
      reads_.clear();
      writes_.clear();
      for (const ProgramOp& p : program_.segments[s].ops) step(static_cast<int32_t>(s), p);
    }
    EXPECT_TRUE(holds(program_.logits)) << "the logits were overwritten";
  }

 private:
  using Range = std::tuple<int32_t, int, uint64_t, uint64_t>;  // device, memory, begin, end

  Range range(ValueId id) const {
    const ProgramValue& v = program_.values[index(id)];
    return {v.device, static_cast<int>(v.memory), v.offset, v.offset + v.bytes};
  }
  static bool overlap(const Range& a, const Range& b) {
    return std::get<0>(a) == std::get<0>(b) && std::get<1>(a) == std::get<1>(b) &&
           std::get<2>(a) < std::get<3>(b) && std::get<2>(b) < std::get<3>(a);
  }
  bool holds(ValueId id) const { return live_.contains(id); }

  void step(int32_t segment, const ProgramOp& p) {
    std::vector<Range> reads, writes;
    const Segment& here = program_.segments[segment];
    for_each_read(p.op, [&](const ValueId& id) {
      EXPECT_TRUE(holds(id)) << op_name(p.op) << " reads " << program_.values[index(id)].name
                             << ", whose memory was given away";
      reachable(here, id);
      const int32_t writer = made_in_[id];
      if (program_.segments[writer].device != here.device) {
        EXPECT_TRUE(std::ranges::count(here.waits, writer)) << here.name << " does not wait";
      }
      reads.push_back(range(id));
    });
    for_each_write(p.op, [&](const ValueId& id) {
      reachable(here, id);
      for (const Range& r : reads)
        EXPECT_FALSE(overlap(r, range(id))) << op_name(p.op) << " overwrites its input";
      std::erase_if(live_, [&](ValueId other) { return overlap(range(other), range(id)); });
      live_.insert(id);
      made_in_[id] = segment;
      writes.push_back(range(id));
    });
    check_barrier(p, reads, writes);
  }

  // A kernel reaches its own device's memory; a host also every staging buffer and other hosts' arenas.
  void reachable(const Segment& here, ValueId id) const {
    const ProgramValue& v = program_.values[index(id)];
    const bool host = program_.devices[here.device].name.starts_with("cpu") ||
                      program_.devices[here.device].name == "reference";
    EXPECT_TRUE(v.device == here.device || (host && v.memory == MemoryKind::kStaging)) << v.name;
  }

  void check_barrier(const ProgramOp& p, const std::vector<Range>& reads, const std::vector<Range>& writes) {
    if (p.barrier) {
      reads_.clear();
      writes_.clear();
    }
    const auto clash = [](const std::vector<Range>& a, const std::vector<Range>& b) {
      for (const Range& x : a)
        for (const Range& y : b)
          if (overlap(x, y)) return true;
      return false;
    };
    EXPECT_FALSE(clash(reads, writes_) || clash(writes, writes_) || clash(writes, reads_))
        << op_name(p.op) << " needs a barrier";
    const auto cached = [](CacheId id) {
      return std::vector<Range>(id == CacheId::kNone ? 0 : 1, Range{-1 - index(id), 0, 0, 1});
    };
    const auto cache_reads = cached(cache_read(p.op)), cache_writes = cached(cache_written(p.op));
    EXPECT_FALSE(clash(cache_reads, writes_)) << "attention needs a barrier";
    for (const auto& list : {reads, cache_reads}) reads_.insert(reads_.end(), list.begin(), list.end());
    for (const auto& list : {writes, cache_writes}) writes_.insert(writes_.end(), list.begin(), list.end());
  }

  const Program& program_;
  std::set<ValueId> live_;
  std::map<ValueId, int32_t> made_in_;
  std::vector<Range> reads_, writes_;  // since the last barrier
};

TEST(Compile, OneDeviceIsOneSegmentWithoutCopies) {
  const Net net = SmallNet({}).net;
  const Program program =
      compile(net, place(net, {{"cpu", DeviceKind::kCpu}}, [](const NetOp&) { return 0; }), limits());
  EXPECT_EQ(program.segments.size(), 1u);
  EXPECT_EQ(program.handoffs, 0);
  EXPECT_EQ(program.devices[0].staging_bytes, 0u);
  for (const ProgramOp& p : program.segments[0].ops) EXPECT_FALSE(std::holds_alternative<Copy>(p.op));
  Follower(program).run();
}

TEST(Compile, FirstLayersOnTheGpuCostTwoHandoffs) {
  const Net net = SmallNet({.layers = 4}).net;
  const Program program =
      compile(net, place(net, kGpuCpu, [](const NetOp& op) { return op.layer >= 0 && op.layer < 2 ? 0 : 1; }),
              limits());
  EXPECT_EQ(program.handoffs, 2);
  EXPECT_EQ(program.segments.size(), 3u);
  Follower(program).run();
}

TEST(Compile, EverythingOnTheGpuLeavesTheLogitsWhereTheHostReadsThem) {
  const Net net = SmallNet({}).net;
  const Program program = compile(net, place(net, kGpuCpu, [](const NetOp&) { return 0; }), limits());
  EXPECT_EQ(program.handoffs, 1);
  EXPECT_EQ(program.values[index(program.logits)].memory, MemoryKind::kStaging);
  Follower(program).run();
}

TEST(Compile, TwoGpusPassThroughTheHost) {
  const Net net = SmallNet({.layers = 4}).net;
  const Program program = compile(
      net, place(net, kTwoGpus, [](const NetOp& op) { return op.layer < 0 ? 2 : op.layer / 2; }), limits());
  Follower(program).run();
  EXPECT_LE(program.handoffs, 4);
}

TEST(Compile, ATiedHeadElsewhereIsASecondCopy) {
  const Net net = SmallNet({}).net;
  const Program program = compile(net, place(net, kGpuCpu, [](const NetOp&) { return 0; }), limits());
  int copies = 0;
  for (const ProgramWeight& w : program.weights) {
    if (net.weights[index(w.source)].name != "token_embd.weight") continue;
    ++copies;
    EXPECT_EQ(w.layout, w.device == 0 ? Layout::kPanel16 : Layout::kStored);
  }
  EXPECT_EQ(copies, 2);
}

TEST(Compile, ATiedHeadOnTheSameDeviceIsOneCopy) {
  const Net net = SmallNet({}).net;
  const Program program =
      compile(net, place(net, {{"cpu", DeviceKind::kCpu}}, [](const NetOp&) { return 0; }), limits());
  EXPECT_EQ(program.weights.size(), net.weights.size());
  EXPECT_EQ(program.weights[0].layout, Layout::kPanel16);
}

TEST(Compile, GateAndUpOfDifferentTypesAreSplit) {
  const Net net = SmallNet({.up_type = DType::kQ8_0}).net;
  const Program program =
      compile(net, place(net, {{"cpu", DeviceKind::kCpu}}, [](const NetOp&) { return 0; }), limits());
  int gated = 0, multiplied = 0;
  for (const ProgramOp& p : program.segments[0].ops) {
    gated += std::holds_alternative<GatedLinear>(p.op);
    multiplied += std::holds_alternative<GatedMul>(p.op);
  }
  EXPECT_EQ(gated, 0);
  EXPECT_EQ(multiplied, 2);
  Follower(program).run();
}

TEST(Compile, GateAndUpInDifferentPlacesAreSplit) {
  const Net net = SmallNet({}).net;
  PhasePlacement placement = place(net, kGpuCpu, [](const NetOp&) { return 1; });
  for (const NetWeight& w : net.weights)
    placement.weight_device.push_back(w.name == "blk.1.ffn_up.weight" ? 0 : 1);
  const Program program = compile(net, placement, limits());
  EXPECT_EQ(program.handoffs, 2);
  Follower(program).run();
}

// Random placements of single ops: whatever is asked for, the Program stays sound.
TEST(Compile, AnyPlacementIsSound) {
  uint64_t state = 1;
  const auto random = [&] {
    return state = state * 6364136223846793005u + 1442695040888963407u, state >> 33;
  };
  for (int round = 0; round < 200; ++round) {
    const Net net = SmallNet({.layers = 3, .up_type = random() % 2 ? DType::kQ4_K : DType::kQ5_0}).net;
    const auto& devices = random() % 2 ? kGpuCpu : kTwoGpus;
    const Program program = compile(
        net,
        place(net, devices, [&](const NetOp&) { return static_cast<int32_t>(random() % devices.size()); }),
        limits());
    Follower(program).run();
    if (HasFailure()) FAIL() << "round " << round << "\n" << listing(net, program);
  }
}

TEST(Compile, NormsQuantizeWhereAllReadersWantTheSame) {
  const Net net = SmallNet({}).net;
  const Program program =
      compile(net, place(net, {{"cpu", DeviceKind::kCpu}}, [](const NetOp&) { return 0; }), limits());
  int norms = 0, quantized = 0;
  for (const ProgramOp& p : program.segments[0].ops) {
    const auto* norm = std::get_if<RmsNorm>(&p.op);
    if (!norm) continue;
    ++norms;
    quantized += program.values[index(norm->out)].format == ActFormat::kQ8x256;
  }
  EXPECT_EQ(norms, 5);
  EXPECT_EQ(quantized, 5);
}

TEST(Compile, TheSameInputsGiveTheSameProgram) {
  const Net net = SmallNet({.layers = 4}).net;
  const PhasePlacement placement = place(net, kTwoGpus, [](const NetOp& op) { return op.layer % 2 ? 0 : 1; });
  EXPECT_EQ(listing(net, compile(net, placement, limits())), listing(net, compile(net, placement, limits())));
}

}  // namespace
}  // namespace yoke
