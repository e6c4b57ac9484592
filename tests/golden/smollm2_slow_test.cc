// The demo model with layers on the GPU device: as close to transformers as on the CPU.
#include "golden/smollm2.h"

namespace yoke::test {
namespace {

class SmolLM2Hybrid : public testing::TestWithParam<std::string> {};

TEST_P(SmolLM2Hybrid, AsCloseAsTheCpu) {
  if (demo_model().empty()) GTEST_SKIP() << "SmolLM2 is not here: YOKE_DEMO_MODEL names no file";
  ModelOptions options;
  options.path = demo_model();
  options.devices = "cpu";
  const SmolResult cpu = score_smollm2(options);
  options.devices = "vulkan:0,cpu";
  options.gpu_layers = GetParam();
  const SmolResult hybrid = score_smollm2(options);
  EXPECT_LE(hybrid.mean_kl_33, 1.05 * cpu.mean_kl_33);
  EXPECT_NEAR(hybrid.perplexity / cpu.perplexity, 1.0, 0.01);
}

INSTANTIATE_TEST_SUITE_P(GpuLayers, SmolLM2Hybrid, testing::Values("1", "15", "all"));

}  // namespace
}  // namespace yoke::test
