#include "placement/place.h"

#include <gtest/gtest.h>

#include "placement/rules.h"
#include "program/compile.h"
#include "support/small_net.h"

namespace yoke {
namespace {

using testing::SmallNet;

Machine machine_with(int gpus) {
  Machine machine;
  for (int g = 0; g < gpus; ++g) {
    machine.devices.push_back({.name = "vulkan:" + std::to_string(g), .kind = DeviceKind::kVulkan});
  }
  machine.devices.push_back({.name = "cpu", .kind = DeviceKind::kCpu});
  return machine;
}

class PlaceTest : public ::testing::Test {
 protected:
  PhasePlacement placed(std::vector<int32_t> layers, int32_t head,
                        const std::vector<std::string>& rules = {}) {
    return place(net, machine, {std::move(layers), head, apply_rules(rules, net, machine)});
  }
  int32_t device_of(const PhasePlacement& placement, const std::string& value) const {
    for (size_t i = 0; i < net.ops.size(); ++i) {
      int32_t found = -1;
      for_each_write(net.ops[i].op, [&](const ValueId& out) {
        if (net.values[static_cast<size_t>(index(out))].name == value) found = placement.op_device[i];
      });
      if (found >= 0) return found;
    }
    return -1;
  }
  // Of the op that writes the layer's cache.
  int32_t cache_of(const PhasePlacement& placement, int32_t layer) const {
    for (size_t i = 0; i < net.ops.size(); ++i) {
      if (net.ops[i].layer == layer && cache_written(net.ops[i].op) != CacheId::kNone)
        return placement.op_device[i];
    }
    return -1;
  }
  int32_t handoffs(const PhasePlacement& placement) const {
    return compile(net, placement,
                   {.rows = 8, .wanted = 1, .sequences = 1, .blocks_per_sequence = 4, .rope_pairs = {32}})
        .handoffs;
  }

  Net net = SmallNet({.layers = 4}).net;
  Machine machine = machine_with(1);
};

TEST_F(PlaceTest, BlocksLieWholeOnTheirDeviceWithOneHandOffEachWay) {
  const auto p = placed({0, 0, 1, 1}, 1);
  for (size_t i = 0; i < net.ops.size(); ++i) {
    const int32_t layer = net.ops[i].layer;
    EXPECT_EQ(p.op_device[i], layer == 0 || layer == 1 ? 0 : 1) << i;
  }
  EXPECT_EQ(handoffs(p), 2);  // the embedded rows go up, the second block's result comes down
}

TEST_F(PlaceTest, OneContiguousRangeAnywhereTakesTwoHandOffs) {
  EXPECT_EQ(handoffs(placed({1, 1, 1, 1}, 1)), 0);
  EXPECT_EQ(handoffs(placed({1, 0, 0, 1}, 1)), 2);
  EXPECT_EQ(handoffs(placed({1, 1, 1, 0}, 1)), 2);
  EXPECT_EQ(handoffs(placed({0, 1, 1, 0}, 1)), 4);
  EXPECT_LE(handoffs(placed({0, 0, 0, 0}, 0)), 2);
  machine = machine_with(2);
  EXPECT_LE(handoffs(placed({0, 0, 1, 1}, 2)), 4);
}

TEST_F(PlaceTest, WantedRowsAreGatheredBeforeTheyCross) {
  // All blocks on the GPU, the head on the CPU: one wanted row crosses, not all rows.
  const auto p = placed({0, 0, 0, 0}, 1);
  EXPECT_EQ(device_of(p, "wanted"), 0);
  EXPECT_EQ(device_of(p, "output_norm"), 1);
  EXPECT_EQ(device_of(p, "logits"), 1);
}

TEST_F(PlaceTest, EmbedStaysOnTheHostEvenWhenTheTiedHeadMoves) {
  const auto p = placed({0, 0, 0, 0}, 0);
  EXPECT_EQ(device_of(p, "token_embd"), 1);
  EXPECT_EQ(device_of(p, "logits"), 0);
}

TEST_F(PlaceTest, AttentionFollowsItsOutputMatrixAndTheRotationsFollowAttention) {
  const auto p = placed({1, 1, 1, 1}, 1, {"blk.2.attn_output=vulkan:0"});
  EXPECT_EQ(cache_of(p, 2), 0);
  EXPECT_EQ(device_of(p, "blk.2.attention"), 0);
  EXPECT_EQ(device_of(p, "blk.2.q_rope"), 0);
  EXPECT_EQ(device_of(p, "blk.2.k_rope"), 0);
  EXPECT_EQ(device_of(p, "blk.2.q"), 1);
  EXPECT_EQ(cache_of(p, 1), 1);
}

TEST_F(PlaceTest, ARuleOnKOrVMovesTheCache) {
  for (const char* rule : {"blk.1.attn_k=vulkan:0", "blk.1.attn_v=vulkan:0"}) {
    const auto p = placed({1, 1, 1, 1}, 1, {rule});
    EXPECT_EQ(cache_of(p, 1), 0) << rule;
    EXPECT_EQ(device_of(p, "blk.1.attention"), 0);
    EXPECT_EQ(device_of(p, "blk.1.attn_residual"), 1);
  }
  // Attention's output is on the GPU, but the rule on k wins.
  const auto p = placed({0, 0, 0, 0}, 1, {"blk.1.attn_k=cpu"});
  EXPECT_EQ(cache_of(p, 1), 1);
  EXPECT_EQ(device_of(p, "blk.1.attn_residual"), 0);
}

TEST_F(PlaceTest, ANormRunsWhereItsRuleOrItsReaderIs) {
  const auto free = placed({1, 1, 1, 1}, 1, {"blk.0.ffn_(gate|up)=vulkan:0"});
  EXPECT_EQ(device_of(free, "blk.0.ffn_norm"), 0);
  const auto ruled = placed({1, 1, 1, 1}, 1, {"blk.0.ffn_norm=cpu", "blk.0.ffn_(gate|up)=vulkan:0"});
  EXPECT_EQ(device_of(ruled, "blk.0.ffn_norm"), 1);
}

TEST_F(PlaceTest, GateAndUpMayLieApart) {
  const auto p = placed({1, 1, 1, 1}, 1, {"blk.3.ffn_up=vulkan:0"});
  size_t gate = 0, up = 0;
  for (size_t w = 0; w < net.weights.size(); ++w) {
    if (net.weights[w].name == "blk.3.ffn_gate.weight") gate = w;
    if (net.weights[w].name == "blk.3.ffn_up.weight") up = w;
  }
  EXPECT_EQ(p.weight_device[gate], 1);
  EXPECT_EQ(p.weight_device[up], 0);
  EXPECT_EQ(handoffs(p), 2);
}

TEST_F(PlaceTest, AnUnrulyMixStillCompiles) {
  const std::vector<std::string> rules = {"blk.0.attn_k=cpu", "blk.[13].ffn_down=vulkan:0", "attn_q=vulkan:0",
                                          "blk.2.attn_norm=vulkan:0", "output_norm=vulkan:0"};
  for (const std::vector<int32_t>& layers :
       std::vector<std::vector<int32_t>>{{0, 0, 1, 1}, {1, 1, 1, 1}, {0, 0, 0, 0}}) {
    const auto p = placed(layers, 1, rules);
    for (const int32_t d : p.op_device) {
      EXPECT_GE(d, 0);
      EXPECT_LT(d, 2);
    }
    EXPECT_GT(handoffs(p), 0);
  }
}

}  // namespace
}  // namespace yoke
