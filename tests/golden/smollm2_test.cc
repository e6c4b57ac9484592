// The demo model on the CPU against transformers: two chunks of 512 tokens.
#include "golden/smollm2.h"

namespace yoke::test {
namespace {

TEST(SmolLM2, AsCloseToTheReferenceAsLlamaCpp) {
  if (demo_model().empty()) GTEST_SKIP() << "SmolLM2 is not here: YOKE_DEMO_MODEL names no file";
  const nlohmann::json golden = golden_json("smollm2_q4_1.json");
  ModelOptions options;
  options.path = demo_model();
  options.devices = "cpu";
  const SmolResult result = score_smollm2(options);
  RecordProperty("mean_kl", std::to_string(result.mean_kl));
  EXPECT_LT(result.mean_kl, 1.05 * llama_cpp_kl("smollm2_q4_1"));
  EXPECT_GT(result.top1, 0.95);
  EXPECT_NEAR(result.perplexity / golden["reference_perplexity"].get<double>(), 1.0, 0.01);
}

}  // namespace
}  // namespace yoke::test
