// The demo model: the whole text on the CPU, as published and in Q8_0, and layers on the GPU device, which
// change no bit.
#include "convert/quantize_model.h"
#include "golden/smollm2.h"
#include "support/temp_folder.h"

namespace yoke::test {
namespace {

class SmolLM2Slow : public testing::Test {
 protected:
  void SetUp() override {
    if (demo_model().empty()) GTEST_SKIP() << "SmolLM2 is not here: YOKE_DEMO_MODEL names no file";
    options_.path = demo_model();
    options_.devices = "cpu";
  }

  void expect_as_close_as_llama_cpp(const std::string& golden) {
    const SmolResult result = score_smollm2(options_, golden);
    RecordProperty("mean_kl", std::to_string(result.mean_kl));
    EXPECT_LT(result.mean_kl, 1.05 * llama_cpp_kl(golden));
    EXPECT_GT(result.top1, 0.95);
    EXPECT_NEAR(result.perplexity / golden_json(golden + ".json")["reference_perplexity"].get<double>(), 1.0,
                0.01);
  }

  ModelOptions options_;
};

TEST_F(SmolLM2Slow, WholeTextAsPublished) {
  expect_as_close_as_llama_cpp("smollm2_whole_q4_1");
}

TEST_F(SmolLM2Slow, WholeTextInQ8_0) {
  const TempFolder folder;
  const std::string path = folder / "q8_0.gguf";
  quantize_model(GgufFile::open(options_.path), path, {.type = QuantizeType::parse("Q8_0"), .threads = 2});
  options_.path = path;
  expect_as_close_as_llama_cpp("smollm2_whole_q8_0");
}

// Every logit of both chunks, against the CPU's.
TEST_F(SmolLM2Slow, PlacementsChangeNoBit) {
  const auto tokens = golden_json("smollm2_q4_1.json")["tokens"].get<std::vector<int32_t>>();
  std::vector<float> cpu;
  const PerplexityResult expected = score(options_, tokens, 512, [&](int64_t, std::span<const float> logits) {
    cpu.insert(cpu.end(), logits.begin(), logits.end());
  });
  struct Place {
    std::string gpu_layers;
    std::vector<std::string> place = {};
  };
  const Place places[] = {
      {"1"},
      {"15"},
      {"29"},
      {"all"},
      {"15", {R"(blk\.(3|20)\.ffn_(up|down)=cpu)", R"(blk\.25\.attn_(q|output)=vulkan:0)", R"(output=cpu)"}}};
  options_.devices = "vulkan:0,cpu";
  for (const Place& place : places) {
    SCOPED_TRACE(place.gpu_layers + (place.place.empty() ? "" : " and a mix"));
    options_.gpu_layers = place.gpu_layers;
    options_.place = place.place;
    int64_t different = 0;
    const PerplexityResult hybrid =
        score(options_, tokens, 512, [&](int64_t position, std::span<const float> logits) {
          const auto* row = cpu.data() + position * static_cast<int64_t>(logits.size());
          different += !std::equal(logits.begin(), logits.end(), row);
        });
    EXPECT_EQ(different, 0) << "of " << tokens.size() << " positions";
    EXPECT_EQ(hybrid.perplexity, expected.perplexity);
  }
}

}  // namespace
}  // namespace yoke::test
