// A GPU kernel that is broken on purpose: the self-test finds it, and a model runs without it, with the same
// bits.
#include <gmock/gmock.h>

#include <cstdlib>

#include "base/error.h"
#include "devices/conformance/conformance.h"
#include "devices/vulkan/vulkan.h"
#include "engine/open_devices.h"
#include "engine/verdict.h"
#include "small_model.h"
#include "support/broken_shader.h"

namespace yoke {
namespace {

using ::testing::ElementsAre;
using testing::has_device;
using ::testing::HasSubstr;
using testing::on;
using testing::score;
using testing::small_model;

class Refused : public ::testing::Test {
 protected:
  void SetUp() override {
    YOKE_NEED_VULKAN(has_device("vulkan:0"));
    const char* before = std::getenv("XDG_CACHE_HOME");
    if (before != nullptr) before_ = before;
    setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
    device_faults().vulkan = [](VulkanOptions& options) {
      options.alter_shader = test::broken_shader("linear_q6_k");
    };
  }
  void TearDown() override {
    device_faults() = {};
    before_.empty() ? unsetenv("XDG_CACHE_HOME") : setenv("XDG_CACHE_HOME", before_.c_str(), 1);
  }

  // What `yoke selftest` does, for the products.
  static std::vector<OpFormat> test_and_keep() {
    const auto device = open_device("vulkan:0", {.check_kernels = false});
    Verdict verdict;
    for (const ConformanceResult& r : run_conformance(*device, {.ops = {"linear", "gated_linear"}})) {
      if (!r.passed) verdict.refused.push_back({r.op, r.format});
    }
    EXPECT_FALSE(save_verdict(device->info().kernels_id, verdict));
    return verdict.refused;
  }

  test::TempFolder folder_;
  std::string before_;
};

TEST_F(Refused, TheModelRunsWithThatOpOnTheCpuAndTheSameBits) {
  const std::string path = small_model("Q4_K_M");
  const std::vector<float> expected = score(on(path, "cpu")).logits;
  ModelOptions options = on(path, "vulkan:0,cpu", "4");
  EXPECT_NE(score(options).logits, expected) << "the broken kernel is one that the model uses";

  const std::vector<OpFormat> refused = test_and_keep();
  EXPECT_THAT(refused,
              ElementsAre(OpFormat{"linear", "q6_k panel16"}, OpFormat{"gated_linear", "q6_k panel16"}));
  try {
    plan_model(options);
    FAIL() << "it was planned all the same";
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 2);
    EXPECT_THAT(e.what(), HasSubstr("its self-test found linear q6_k panel16 wrong"));
  }

  options.place = {"attn_v|ffn_down=cpu"};
  const PlannedModel planned = plan_model(options);
  EXPECT_GT(planned.plan.devices[0].weights_bytes, 0u) << "the rest is on the GPU";
  EXPECT_THAT(planned.plan.notes, ::testing::Contains(HasSubstr("does without 2 kernels")));
  EXPECT_EQ(score(options).logits, expected);

  const testing::Scored left_out = score(on(path, "vulkan:0,cpu", "auto"));
  EXPECT_EQ(left_out.logits, expected);
}

// Each pair is refused alone: by format of the weight, of the cache and of what is written.
TEST_F(Refused, OnlyWhatWasRefused) {
  const auto device = open_device("vulkan:0", {});
  const Op linear = Linear{}, attention = Attention{}, norm = RmsNorm{};
  device->refuse({{"linear", "q6_k panel16"}, {"attention", "q8_0"}, {"rms_norm", "q8x256"}});
  const auto ask = [&](OpShape shape) { return device->unsupported(shape).value_or("runs"); };
  const OpShape product{.op = &linear, .weight = DType::kQ6_K, .layout = Layout::kPanel16};
  EXPECT_THAT(ask(product), HasSubstr("linear q6_k panel16"));
  EXPECT_EQ(ask({.op = &linear, .weight = DType::kQ4_K, .layout = Layout::kPanel16}), "runs");
  EXPECT_THAT(ask({.op = &attention, .kv = KvType::kQ8_0, .head_dim = 64}), HasSubstr("attention q8_0"));
  EXPECT_EQ(ask({.op = &attention, .kv = KvType::kF16, .head_dim = 64}), "runs");
  EXPECT_THAT(ask({.op = &norm, .out = ActFormat::kQ8x256}), HasSubstr("rms_norm q8x256"));
  EXPECT_EQ(ask({.op = &norm, .out = ActFormat::kQ8x32}), "runs");
}

}  // namespace
}  // namespace yoke
