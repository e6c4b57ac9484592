#include "placement/plan.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "cache/kv_storage.h"
#include "support/fake_device.h"
#include "support/small_net.h"
#include "weights/weight_store.h"

namespace yoke {
namespace {

using test::FakeDevice;
using testing::SmallNet;

constexpr uint64_t kGib = uint64_t{1} << 30;

MachineDevice gpu(uint64_t memory, int number = 0) {
  return {.name = "vulkan:" + std::to_string(number),
          .kind = DeviceKind::kVulkan,
          .memory_bytes = memory,
          .bandwidth_gb_s = 400};
}
MachineDevice cpu(uint64_t memory = 8 * kGib) {
  return {.name = "cpu", .kind = DeviceKind::kCpu, .memory_bytes = memory, .bandwidth_gb_s = 40};
}

class PlanTest : public ::testing::Test {
 protected:
  PlanRequest request(std::vector<MachineDevice> devices, const std::string& layers) {
    PlanRequest r;
    r.net = &net;
    r.machine.devices = std::move(devices);
    r.gpu_layers = parse_gpu_layers(layers);
    r.context = 512;
    r.rows = 64;
    return r;
  }
  // Blocks on each device, as planned.
  static std::vector<int> blocks(const Plan& plan) {
    std::vector<int> counts(plan.devices.size(), 0);
    for (const auto& devices : plan.layer_devices) {
      EXPECT_EQ(devices.size(), 1u);
      ++counts[static_cast<size_t>(devices[0])];
    }
    return counts;
  }
  static std::string refused(const PlanRequest& r, ErrorKind kind = ErrorKind::kDoesNotFit) {
    try {
      make_plan(r);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), kind);
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      return e.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  Net net = SmallNet({.layers = 6}).net;
};

TEST_F(PlanTest, CountsGoFromTheFrontAndTheHeadOnlyWithAll) {
  using Counts = std::vector<int>;
  EXPECT_EQ(blocks(make_plan(request({gpu(kGib), cpu()}, "0"))), (Counts{0, 6}));
  const Plan two = make_plan(request({gpu(kGib), cpu()}, "2"));
  EXPECT_EQ(two.layer_devices[1], std::vector<int32_t>{0});
  EXPECT_EQ(two.layer_devices[2], std::vector<int32_t>{1});
  EXPECT_EQ(two.head_device, 1);
  const Plan six = make_plan(request({gpu(kGib), cpu()}, "6"));
  EXPECT_EQ(blocks(six), (Counts{6, 0}));
  EXPECT_EQ(six.head_device, 1);
  for (const char* all : {"all", "7", "1000"}) {
    const Plan plan = make_plan(request({gpu(kGib), cpu()}, all));
    EXPECT_EQ(blocks(plan), (Counts{6, 0}));
    EXPECT_EQ(plan.head_device, 0);
    EXPECT_EQ(to_text(plan.gpu_layers), "all");
  }
}

TEST_F(PlanTest, SeveralGpusShareByWhatFits) {
  using Counts = std::vector<int>;
  EXPECT_EQ(blocks(make_plan(request({gpu(kGib), gpu(kGib, 1), cpu()}, "4"))), (Counts{2, 2, 2}));
  // Twice the same device is two logical devices.
  EXPECT_EQ(blocks(make_plan(request({gpu(kGib), gpu(kGib), cpu()}, "6"))), (Counts{3, 3, 0}));
  // One that can take two of the six blocks and one that takes all six: shares 1 to 3.
  PlanRequest r = request({gpu(kGib), cpu()}, "2");
  const uint64_t two_blocks = make_plan(r).devices[0].total_bytes();
  const auto shared = blocks(make_plan(request({gpu(two_blocks), gpu(kGib, 1), cpu()}, "4")));
  EXPECT_EQ(shared, (Counts{1, 3, 2}));
  const Plan all = make_plan(request({gpu(kGib), gpu(kGib, 1), cpu()}, "all"));
  EXPECT_EQ(all.head_device, 1);
}

TEST_F(PlanTest, AutoFillsTheGpuExactly) {
  for (const char* layers : {"1", "2", "5", "6", "all"}) {
    const Plan asked = make_plan(request({gpu(kGib), cpu()}, layers));
    const uint64_t bytes = asked.devices[0].total_bytes();
    const Plan exact = make_plan(request({gpu(bytes), cpu()}, "auto"));
    EXPECT_EQ(to_text(exact.gpu_layers), layers);
    EXPECT_EQ(exact.devices[0].total_bytes(), bytes);
    const Plan less = make_plan(request({gpu(bytes - 1), cpu()}, "auto"));
    EXPECT_NE(to_text(less.gpu_layers), layers);
    EXPECT_LE(less.devices[0].total_bytes(), bytes - 1);
  }
  // The bound of --gpu-memory counts like the device's own.
  PlanRequest bounded = request({gpu(kGib), cpu()}, "auto");
  bounded.gpu_memory = make_plan(request({gpu(kGib), cpu()}, "3")).devices[0].total_bytes();
  EXPECT_EQ(to_text(make_plan(bounded).gpu_layers), "3");
}

TEST_F(PlanTest, AutoFillsOneGpuAfterAnother) {
  const uint64_t two = make_plan(request({gpu(kGib), cpu()}, "2")).devices[0].total_bytes();
  const auto counts = blocks(make_plan(request({gpu(two), gpu(kGib, 1), cpu()}, "auto")));
  EXPECT_EQ(counts[2], 0);
  EXPECT_EQ(counts[0] + counts[1], 6);
  EXPECT_GE(counts[0], 1);
  EXPECT_LE(counts[0], 2);
  EXPECT_EQ(blocks(make_plan(request({gpu(kGib), gpu(kGib, 1), cpu()}, "auto")))[0], 6);
}

TEST_F(PlanTest, AutoWithoutAGpuIsTheCpu) {
  const Plan plan = make_plan(request({cpu()}, "auto"));
  EXPECT_EQ(to_text(plan.gpu_layers), "0");
  EXPECT_EQ(plan.program.handoffs, 0);
  EXPECT_EQ(blocks(make_plan(request({cpu()}, "0")))[0], 6);
  refused(request({cpu()}, "3"), ErrorKind::kUsage);
  refused(request({cpu()}, "all"), ErrorKind::kUsage);
}

TEST_F(PlanTest, ContextZeroIsTheLargestThatFits) {
  PlanRequest r = request({gpu(kGib), cpu()}, "6");
  r.context = 0;
  EXPECT_EQ(make_plan(r).context, net.trained_context);
  // Room for exactly 1000 positions on the GPU: 32 blocks of 32.
  PlanRequest asked = request({gpu(kGib), cpu()}, "6");
  asked.context = 1000;
  r.machine.devices[0].memory_bytes = make_plan(asked).devices[0].total_bytes();
  const Plan plan = make_plan(r);
  EXPECT_EQ(plan.context, 1024);
  EXPECT_EQ(plan.cache_blocks, 32);
  EXPECT_EQ(plan.program.limits.blocks_per_sequence, 32);
  EXPECT_LE(plan.devices[0].total_bytes(), r.machine.devices[0].memory_bytes);
  // With auto length goes before blocks on the GPU.
  r.gpu_layers = parse_gpu_layers("auto");
  const Plan longest = make_plan(r);
  EXPECT_EQ(longest.context, net.trained_context);
  EXPECT_LT(longest.gpu_layers.count, 6);
}

TEST_F(PlanTest, ContextZeroIsBoundByTheCpusMemoryToo) {
  PlanRequest asked = request({cpu()}, "0");
  asked.context = 640;
  const PlanDevice device = make_plan(asked).devices[0];
  PlanRequest r = request({cpu(device.total_bytes() - device.mapped_bytes)}, "auto");
  r.context = 0;
  r.rows = 64;
  EXPECT_EQ(make_plan(r).context, 640);
}

TEST_F(PlanTest, RefusesWithTheNumbersAndWhatWouldFit) {
  const uint64_t three = make_plan(request({gpu(kGib), cpu()}, "3")).devices[0].total_bytes();
  const std::string message = refused(request({gpu(three), cpu()}, "5"));
  EXPECT_NE(message.find("vulkan:0 needs"), std::string::npos) << message;
  EXPECT_NE(message.find("--gpu-layers 3 --ctx 512"), std::string::npos) << message;
  // What is offered is true.
  EXPECT_EQ(blocks(make_plan(request({gpu(three), cpu()}, "3")))[0], 3);
}

TEST_F(PlanTest, OffersAShorterContextThatFits) {
  PlanRequest small = request({gpu(kGib), cpu()}, "6");
  small.context = 256;
  PlanRequest r = request({gpu(make_plan(small).devices[0].total_bytes()), cpu()}, "6");
  r.context = 1024;
  const std::string message = refused(r);
  EXPECT_NE(message.find("--gpu-layers 6 --ctx 256"), std::string::npos) << message;
}

TEST_F(PlanTest, OffersFewerBlocksAndAShorterContextTogether) {
  // Neither alone helps: the GPU takes no block at all, the CPU only a short context.
  PlanRequest short_one = request({cpu()}, "0");
  short_one.context = 96;
  short_one.rows = 32;
  const PlanDevice device = make_plan(short_one).devices[0];
  PlanRequest r = request({gpu(1000), cpu(device.total_bytes() - device.mapped_bytes)}, "6");
  r.rows = 32;
  r.context = 4096;
  const std::string message = refused(r);
  EXPECT_NE(message.find("--gpu-layers auto --ctx 96"), std::string::npos) << message;
  r.context = 0;
  EXPECT_NE(refused(r).find("--gpu-layers auto --ctx 96"), std::string::npos);
}

TEST_F(PlanTest, RefusesWhenTheCpuIsTooSmall) {
  const std::string message = refused(request({cpu(1 << 16)}, "auto"));
  EXPECT_NE(message.find("cpu needs"), std::string::npos) << message;
  EXPECT_NE(message.find("no context fit"), std::string::npos) << message;
}

TEST_F(PlanTest, MemoryThatIsSharedCountsOnce) {
  // A software GPU and the CPU take from the same memory: together they fit, a byte less does not.
  MachineDevice soft = gpu(8 * kGib);
  soft.shares_memory = true;
  const Plan plan = make_plan(request({soft, cpu()}, "3"));
  const uint64_t together =
      plan.devices[0].total_bytes() + plan.devices[1].total_bytes() - plan.devices[1].mapped_bytes;
  EXPECT_NO_THROW(make_plan(request({soft, cpu(together)}, "3")));
  refused(request({soft, cpu(together - 1)}, "3"));
  soft.shares_memory = false;
  EXPECT_NO_THROW(make_plan(request({soft, cpu(together - 1)}, "3")));
}

TEST_F(PlanTest, TwoLogicalDevicesOfOneGpuShareItsMemory) {
  const Plan plan = make_plan(request({gpu(kGib), gpu(kGib), cpu()}, "6"));
  const uint64_t together = plan.devices[0].total_bytes() + plan.devices[1].total_bytes();
  EXPECT_EQ(blocks(make_plan(request({gpu(together), gpu(together), cpu()}, "6")))[0], 3);
  // Each could hold its half, both together cannot: all goes to one of them, which saves a scratch.
  const Plan one = make_plan(request({gpu(together - 1), gpu(together - 1), cpu()}, "6"));
  EXPECT_EQ(blocks(one)[0], 6);
  const uint64_t alone = one.devices[0].total_bytes() - 1;
  EXPECT_LT(plan.devices[0].total_bytes(), alone);
  refused(request({gpu(alone), gpu(alone), cpu()}, "6"));
}

TEST_F(PlanTest, NoPieceIsLargerThanTheDevicesLargestBuffer) {
  MachineDevice limited = gpu(kGib);
  PlanRequest r = request({limited, cpu()}, "6");
  r.context = 2048;
  const uint64_t cache = cache_bytes(net.caches[0], KvType::kF16, 64);
  uint64_t largest = std::max(cache, make_plan(r).devices[0].scratch_bytes);
  r.machine.devices[0].max_buffer_bytes = largest;
  EXPECT_GT(make_plan(r).weights.devices[0].buffer_bytes.size(), 1u) << "weights are divided";
  r.machine.devices[0].max_buffer_bytes = cache - 1;
  const std::string message = refused(r);
  EXPECT_NE(message.find("needs one buffer of"), std::string::npos) << message;
  EXPECT_NE(message.find("--gpu-layers 0 --ctx 2048"), std::string::npos) << message;
}

TEST_F(PlanTest, ATiedHeadElsewhereIsACopyThatCounts) {
  const Plan tied = make_plan(request({gpu(kGib), cpu()}, "all"));
  const Plan blocks_only = make_plan(request({gpu(kGib), cpu()}, "6"));
  const uint64_t head = layout_bytes(DType::kQ4_K, Layout::kPanel16, net.vocabulary, net.width);
  EXPECT_GE(tied.devices[0].weights_bytes, blocks_only.devices[0].weights_bytes + head);
  EXPECT_EQ(tied.devices[1].mapped_bytes, stored_bytes(DType::kQ4_K, net.vocabulary, net.width));
}

// The promise: what loading allocates is what was planned, on every device, to the byte.
TEST_F(PlanTest, AllocatedBytesEqualPlannedBytes) {
  std::vector<std::vector<std::byte>> file;
  WeightHomes homes;
  for (const NetWeight& w : net.weights) {
    file.emplace_back(stored_bytes(w.type, w.rows, w.cols));
    homes.weights.push_back({file.back(), w.type, w.rows, w.cols, w.vector});
  }
  for (const char* layers : {"0", "1", "3", "6", "all"}) {
    for (const KvType kv : {KvType::kF16, KvType::kF32, KvType::kQ8_0}) {
      PlanRequest r = request({gpu(kGib), gpu(kGib, 1), cpu()}, layers);
      r.kv = kv;
      r.sequences = 3;
      r.place = {"blk.0.ffn_up=cpu", "blk.5.attn_k=vulkan:1"};
      const Plan plan = make_plan(r);
      FakeDevice a(FakeDevice::gpu(0)), b(FakeDevice::gpu(1)), c(FakeDevice::cpu());
      Device* const devices[] = {&a, &b, &c};
      WeightStore store(homes, {devices, devices + 3});
      store.load(plan.weights, {});
      const KvStorage caches(net, plan.program.caches, devices, plan.kv, plan.cache_blocks);
      store.bind(plan.program);
      caches.bind(plan.program);
      for (size_t d = 0; d < 3; ++d) {
        EXPECT_EQ(devices[d]->allocated_bytes(BufferUse::kWeights), plan.devices[d].weights_bytes);
        EXPECT_EQ(devices[d]->allocated_bytes(BufferUse::kCache), plan.devices[d].cache_bytes);
        EXPECT_EQ(plan.program.devices[d].arena_bytes, plan.devices[d].scratch_bytes);
        EXPECT_EQ(plan.program.devices[d].staging_bytes, plan.devices[d].staging_bytes);
      }
    }
  }
}

TEST_F(PlanTest, WhatADeviceHoldsForItselfIsCounted) {
  FakeDevice holding(FakeDevice::gpu());
  const auto own = holding.allocate(5000, BufferUse::kStaging);
  Device* const devices[] = {&holding};
  PlanRequest r = request({gpu(kGib), cpu()}, "2");
  const Plan without = make_plan(r);
  r.machine.devices[0] = machine_of(devices).devices[0];
  EXPECT_EQ(make_plan(r).devices[0].total_bytes(), without.devices[0].total_bytes() + 5000);
}

TEST_F(PlanTest, RulesGoBeforeLayersAndTheBlockNamesItsDevices) {
  PlanRequest r = request({gpu(kGib), cpu()}, "2");
  r.place = {"blk.1.ffn_down=cpu", "blk.4.=vulkan:0"};
  const Plan plan = make_plan(r);
  EXPECT_EQ(plan.layer_devices[0], std::vector<int32_t>{0});
  EXPECT_EQ(plan.layer_devices[1], (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(plan.layer_devices[4], std::vector<int32_t>{0});
  const auto json = plan_json(plan);
  EXPECT_EQ(json["layers"][0], "vulkan:0");
  EXPECT_EQ(json["layers"][1], nlohmann::json({"vulkan:0", "cpu"}));
}

TEST_F(PlanTest, JsonIsThePlacementObject) {
  const Plan plan = make_plan(request({gpu(kGib), cpu()}, "2"));
  const auto json = plan_json(plan);
  EXPECT_EQ(json["layers"].size(), 6u);
  EXPECT_EQ(json["head"], "cpu");
  EXPECT_EQ(json["bitwise"], true);
  EXPECT_EQ(json["handoffs_per_step"], 2);
  ASSERT_EQ(json["devices"].size(), 2u);
  for (const auto& d : json["devices"]) {
    EXPECT_EQ(d["total_bytes"].get<uint64_t>(),
              d["weights_bytes"].get<uint64_t>() + d["cache_bytes"].get<uint64_t>() +
                  d["scratch_bytes"].get<uint64_t>() + d["staging_bytes"].get<uint64_t>());
    EXPECT_FALSE(d.contains("allocated_bytes"));
  }
  EXPECT_EQ(json["devices"][0]["name"], "vulkan:0");
  EXPECT_EQ(json["context"], 512);
}

// A GPU that lacks one op, or computes one differently.
class PickyDevice : public FakeDevice {
 public:
  using FakeDevice::FakeDevice;
  std::optional<std::string> unsupported(const OpShape& shape) const override {
    const bool refused = std::holds_alternative<Linear>(*shape.op) && shape.weight == lacks;
    return refused ? std::optional<std::string>("no kernel") : std::nullopt;
  }
  std::optional<std::string> not_bitwise(const OpShape& shape) const override {
    const bool differs = sloppy && std::holds_alternative<Attention>(*shape.op);
    return differs ? std::optional<std::string>("its exp differs") : std::nullopt;
  }
  DType lacks = DType::kF32;
  bool sloppy = false;
};

TEST_F(PlanTest, WhatADeviceCannotRunIsLeftOutByAutoAndRefusedWhenAsked) {
  PickyDevice picky(FakeDevice::gpu());
  picky.lacks = DType::kQ4_K;
  PlanRequest r = request({gpu(kGib), cpu()}, "auto");
  r.machine.devices[0].device = &picky;
  const Plan plan = make_plan(r);
  EXPECT_EQ(to_text(plan.gpu_layers), "0");
  ASSERT_EQ(plan.notes.size(), 1u);
  EXPECT_NE(plan.notes[0].find("no kernel"), std::string::npos);
  r.gpu_layers = parse_gpu_layers("1");
  const std::string message = refused(r, ErrorKind::kUsage);
  EXPECT_NE(message.find("vulkan:0 cannot run linear (Q4_K, panel16): no kernel"), std::string::npos)
      << message;
}

TEST_F(PlanTest, SaysWhatBreaksEqualBits) {
  PickyDevice sloppy(FakeDevice::gpu());
  sloppy.sloppy = true;
  PlanRequest r = request({gpu(kGib), cpu()}, "2");
  r.machine.devices[0].device = &sloppy;
  const Plan plan = make_plan(r);
  EXPECT_FALSE(plan.bitwise());
  EXPECT_EQ(plan.not_bitwise, std::vector<std::string>{"vulkan:0: attention: its exp differs"});
  EXPECT_EQ(plan_json(plan)["bitwise"], false);
  r.gpu_layers = parse_gpu_layers("0");
  EXPECT_TRUE(make_plan(r).bitwise());
}

TEST_F(PlanTest, PredictsFromBytesAndBandwidths) {
  const Plan plan = make_plan(request({gpu(kGib), cpu()}, "0"));
  uint64_t matrices = 0;
  for (const ProgramWeight& w : plan.program.weights) {
    if (w.layout == Layout::kPanel16 || net.weights[static_cast<size_t>(index(w.source))].vector)
      matrices += w.bytes;
  }
  ASSERT_TRUE(plan.prediction);
  EXPECT_NEAR(plan.prediction->decode_tokens_per_s, 40e9 / static_cast<double>(matrices), 1);
  // Ten times the bandwidth beats a hand-off each way only where the blocks are large.
  const Plan all = make_plan(request({gpu(kGib), cpu()}, "all"));
  EXPECT_GT(all.prediction->handoff_ms, 0);
  PlanRequest unknown = request({gpu(kGib), cpu()}, "0");
  unknown.machine.devices[1].bandwidth_gb_s = 0;
  EXPECT_FALSE(make_plan(unknown).prediction);
}

TEST_F(PlanTest, RefusesAbsurdRequests) {
  PlanRequest r = request({cpu()}, "0");
  r.context = int64_t{1} << 31;
  refused(r, ErrorKind::kUsage);
  r.context = int64_t{1} << 30;
  r.sequences = 1000;
  refused(r, ErrorKind::kUsage);
  r = request({cpu()}, "0");
  r.rows = 0;
  refused(r, ErrorKind::kUsage);
  r = request({gpu(kGib)}, "0");
  refused(r, ErrorKind::kUsage);
}

TEST_F(PlanTest, AStepIsNoLargerThanTheContext) {
  PlanRequest r = request({cpu()}, "0");
  r.context = 10;
  EXPECT_EQ(make_plan(r).program.limits.rows, 10);
  r.sequences = 3;
  r.wanted = 1000;
  const Plan plan = make_plan(r);
  EXPECT_EQ(plan.program.limits.rows, 30);
  EXPECT_EQ(plan.program.limits.wanted, 30);
  EXPECT_EQ(plan.cache_blocks, 3);
}

}  // namespace
}  // namespace yoke
