// How weights are divided over the memory nodes of a described machine.
#include <gtest/gtest.h>

#include "base/cpu_topology.h"
#include "devices/conformance/case_builder.h"
#include "devices/cpu/cpu_segment.h"
#include "tensor/layout.h"

namespace yoke::cpu {
namespace {

using conformance::CaseBuilder;
using conformance::Data;
using conformance::Random;

// The ranges of one product with `rows` outputs on that machine.
std::vector<NodeRange> ranges_of(int64_t rows, const std::string& machine, uint64_t* panel) {
  Random random(1);
  CaseBuilder builder(random, 2);
  Linear op;
  op.x = builder.input(64, random.floats(2 * 64, Data::kNormal), ActFormat::kQ8x32);
  op.weight = builder.matrix(DType::kQ8_0, rows, 64, {});
  op.out = builder.output(rows);
  const conformance::Case c = builder.build(op, "");
  const auto device = make_cpu_device({.threads = 1});
  const auto arena = device->allocate(c.program.devices[0].arena_bytes, BufferUse::kScratch);
  const auto weight =
      device->allocate(layout_bytes(DType::kQ8_0, Layout::kPanel16, rows, 64), BufferUse::kWeights);
  Bindings bindings;
  for (const ProgramValue& v : c.program.values) bindings.values.push_back({arena.get(), v.offset});
  bindings.weights.push_back({weight.get(), 0, DType::kQ8_0, Layout::kPanel16, rows, 64});
  const TeamPlan plan = plan_team(detect_cpu_topology(machine), std::nullopt, 0);
  const KernelSet kernels = kernel_set("portable");
  const CpuSegment segment(c.program.segments[0], Resolver{c.program, bindings, kernels, plan.threads},
                           c.step);
  *panel = panel_bytes(DType::kQ8_0, 64);
  std::vector<NodeRange> ranges = segment.node_ranges(plan.nodes);
  // Told as offsets, since the buffer ends here.
  for (NodeRange& range : ranges)
    range.begin = reinterpret_cast<const std::byte*>(range.begin - weight->host());
  return ranges;
}

TEST(MemoryNodes, EachNodeHoldsOneStretchOfPanelsAndTogetherTheyAreTheWholeOnce) {
  for (const int64_t rows : {16, 160, 1000, 1024}) {
    uint64_t panel = 0;
    const std::vector<NodeRange> ranges = ranges_of(rows, "node:2 core:3 pu:1", &panel);
    uint64_t at = 0;
    for (const NodeRange& range : ranges) {
      EXPECT_EQ(reinterpret_cast<uint64_t>(range.begin), at);
      EXPECT_EQ(range.bytes % panel, 0u);
      at += range.bytes;
    }
    EXPECT_EQ(at, layout_bytes(DType::kQ8_0, Layout::kPanel16, rows, 64));
    EXPECT_LE(ranges.size(), 2u);
  }
}

TEST(MemoryNodes, NodesShareInProportionToTheirThreads) {
  uint64_t panel = 0;
  const std::vector<NodeRange> ranges = ranges_of(960, "node:2 core:3 pu:2", &panel);
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].bytes, 30 * panel);
  EXPECT_EQ(ranges[1].bytes, 30 * panel);
  EXPECT_EQ(ranges[0].node, 0);
  EXPECT_EQ(ranges[1].node, 1);
}

TEST(MemoryNodes, OneNodeHoldsAll) {
  uint64_t panel = 0;
  const std::vector<NodeRange> ranges = ranges_of(960, "node:1 core:4 pu:1", &panel);
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(ranges[0].bytes, 60 * panel);
}

}  // namespace
}  // namespace yoke::cpu
