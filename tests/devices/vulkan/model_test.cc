// Whole decoders: layers on Vulkan devices give the bits of the reference, whatever the order of dispatches
// between barriers, on one device or two, with and without staging copies.
#include <cmath>

#include "devices/reference/reference.h"
#include "small_model.h"
#include "validated_device.h"

namespace yoke {
namespace {

using testing::PlacedOn;
using testing::SmallModel;

class VulkanModel : public ValidatedDevice {
 protected:
  std::vector<float> run(const std::vector<PlacedOn>& places, const SmallModel::Options& options = {}) {
    return SmallModel(options, places, *reference_).run(SmallModel::steps());
  }

  std::unique_ptr<Device> reference_ = make_reference_device();
};

TEST_F(VulkanModel, OneLayerOrAllGiveTheReferencesBits) {
  Device& gpu = open();
  const std::vector<float> expected = run({});
  for (const float x : expected) ASSERT_TRUE(std::isfinite(x));
  EXPECT_EQ(run({{&gpu, 1}}), expected);
  EXPECT_EQ(run({{&gpu, 2}}), expected);
}

TEST_F(VulkanModel, EveryCacheTypeAndAnotherFormat) {
  Device& gpu = open();
  for (const KvType kv : {KvType::kF32, KvType::kQ8_0}) {
    const SmallModel::Options options{.shape = {.type = DType::kQ8_0, .up_type = DType::kQ6_K}, .kv = kv};
    EXPECT_EQ(run({{&gpu, 2}}, options), run({}, options)) << name(kv);
  }
}

TEST_F(VulkanModel, TwoLogicalDevicesOnOnePhysicalOne) {
  Device& first = open();
  Device& second = open();
  EXPECT_EQ(run({{&first, 1}, {&second, 1}}), run({}));
}

TEST_F(VulkanModel, ThroughTheStagingBuffer) {
  Device& gpu = open({.force_staging = true});
  EXPECT_EQ(run({{&gpu, 2}}), run({}));
}

// The declared reads and writes are the true ones: within a group without barriers any order will do.
TEST_F(VulkanModel, AnyOrderBetweenBarriersGivesTheSameBits) {
  const std::vector<float> expected = run({});
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    Device& gpu = open({.shuffle_seed = seed});
    EXPECT_EQ(run({{&gpu, 2}}), expected) << seed;
  }
}

// What the test above would see if a barrier were missing.
TEST_F(VulkanModel, WithoutBarriersTheOrderShows) {
  const std::vector<float> expected = run({});
  Device& gpu = open({.shuffle_seed = 1});
  EXPECT_NE(run({{&gpu, 2}}, {.barriers = false}), expected);
}

TEST_F(VulkanModel, ReusedSegmentsEqualFreshOnes) {
  Device& gpu = open();
  SmallModel reused({}, {{&gpu, 2}}, *reference_);
  SmallModel fresh({}, {{&gpu, 2}}, *reference_);
  std::vector<float> one_by_one;
  for (const StepInputs& step : SmallModel::steps()) {
    const std::vector<float> logits = fresh.run({step});
    one_by_one.insert(one_by_one.end(), logits.begin(), logits.end());
  }
  EXPECT_EQ(reused.run(SmallModel::steps()), one_by_one);
}

TEST_F(VulkanModel, EveryOpNamesItsKernel) {
  Device& gpu = open();
  SmallModel model({}, {{&gpu, 2}}, *reference_);
  const Executor executor = model.executor();
  for (size_t s = 0; s < model.program().segments.size(); ++s) {
    const Segment& segment = model.program().segments[s];
    const std::vector<std::string> kernels = executor.kernels()[s];
    ASSERT_EQ(kernels.size(), segment.ops.size());
    if (segment.device != 0) continue;
    for (size_t i = 0; i < kernels.size(); ++i) {
      const auto name = std::string(op_name(segment.ops[i].op));
      const std::string wanted = name == "gated_linear" ? "linear" : name;
      EXPECT_EQ(kernels[i].find(wanted), 0u) << kernels[i] << " for " << name;
    }
  }
}

}  // namespace
}  // namespace yoke
