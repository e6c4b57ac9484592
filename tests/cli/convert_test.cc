// `yoke quantize` and `yoke synth`.
#include <gmock/gmock.h>

#include "process.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

using testing::HasSubstr;

int tokens_of(const std::string& model) {
  return static_cast<int>(run_json({"run", model, "-p", "Hello", "-n", "3", "--temp", "0"})["prompt_tokens"]);
}

TEST(Quantize, AllTypesAndMixesRun) {
  const TempFolder folder;
  make_model(folder / "in.gguf", "TinyLlama-1.1B", {"--type", "F32"});
  for (const std::string type :
       {"F32",  "F16",  "BF16",   "Q8_0",   "Q4_0",  "Q4_1",   "Q5_0",   "Q5_1",   "Q2_K",   "Q3_K",  "Q4_K",
        "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4", "Q3_K_M", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M"}) {
    SCOPED_TRACE(type);
    const Json j = run_json({"quantize", folder / "in.gguf", folder / "out.gguf", "--type", type});
    EXPECT_EQ(j["fallbacks"], 0);
    EXPECT_EQ(j["tensors"], 3 * 7 + 2);
    EXPECT_EQ(j["bytes_out"], std::filesystem::file_size(folder / "out.gguf"));
    const bool mix = type.ends_with("_S") || type.ends_with("_M");
    EXPECT_EQ(j["types"].size() > 1, mix) << j["types"];
    EXPECT_GT(tokens_of(folder / "out.gguf"), 5);
  }
}

TEST(Quantize, FallbacksArePrintedAndCounted) {
  const TempFolder folder;
  // Rows of 96 (attn_output) and 160 (the others but ffn_down): no multiple of 256.
  const Arguments synth = {"synth",
                           "--like",
                           "SmolLM2-135M",
                           "--layers",
                           "2",
                           "--hidden",
                           "160",
                           "--heads",
                           "3",
                           "--kv-heads",
                           "1",
                           "--head-dim",
                           "32",
                           "--feed-forward",
                           "256",
                           "--vocabulary",
                           "320",
                           "--type",
                           "F32",
                           folder / "in.gguf"};
  ASSERT_EQ(run(synth).code, 0);
  const std::pair<const char*, const char*> falls[] = {{"Q4_K", "Q5_0"}, {"Q5_K", "Q5_1"},
                                                       {"Q6_K", "Q8_0"}, {"Q2_K", "Q4_0"},
                                                       {"Q3_K", "Q4_0"}, {"IQ4_XS", "IQ4_NL"}};
  for (const auto& [from, to] : falls) {
    SCOPED_TRACE(from);
    const Result r = run({"quantize", folder / "in.gguf", folder / "out.gguf", "--type", from, "--json"});
    EXPECT_EQ(r.code, 0) << r.err;
    const Json j = r.json();
    EXPECT_EQ(j["fallbacks"], 2 * 6 + 1);
    EXPECT_EQ(j["types"][to], 2 * 6 + 1);
    EXPECT_EQ(j["types"][from], 2);
    EXPECT_THAT(r.err, HasSubstr(std::string("blk.1.attn_q.weight: ") + to + " instead of " + from));
    EXPECT_GT(tokens_of(folder / "out.gguf"), 5);
  }
}

TEST(Quantize, TypesInAnyCase) {
  const TempFolder folder;
  EXPECT_EQ(run_json({"quantize", TinyModel::tied(), folder / "out.gguf", "--type", "q4_k_m"})["type"],
            "Q4_K_M");
}

TEST(Synth, AllShapesRun) {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 30; ++i) text += "Line " + std::to_string(i * i) + " of a text of numbers.\n";
  for (const std::string shape :
       {"SmolLM2-135M", "TinyLlama-1.1B", "Llama-3.1-8B", "Qwen3-0.6B", "Qwen3-8B"}) {
    SCOPED_TRACE(shape);
    make_model(folder / "model.gguf", shape, {"--type", "Q4_K"});
    const Json j = run_json({"run", folder / "model.gguf", "-p", "Hello", "-n", "4", "--temp", "0"});
    EXPECT_EQ(j["tokens"].size(), 4);
    const Json p = run_json({"perplexity", folder / "model.gguf", "-f", "-", "-c", "64"}, {.input = text});
    // Random weights know nothing, but their numbers stay in a sane range.
    EXPECT_GT(p["perplexity"], 100);
    EXPECT_LT(p["perplexity"], 5000);
  }
}

TEST(Synth, TheSeedMakesTheFile) {
  const TempFolder folder;
  make_model(folder / "a.gguf", "Qwen3-0.6B", {"--seed", "5", "--threads", "1"});
  make_model(folder / "b.gguf", "Qwen3-0.6B", {"--seed", "5", "--threads", "3"});
  make_model(folder / "c.gguf", "Qwen3-0.6B", {"--seed", "6"});
  EXPECT_TRUE(read_bytes(folder / "a.gguf") == read_bytes(folder / "b.gguf"));
  EXPECT_FALSE(read_bytes(folder / "a.gguf") == read_bytes(folder / "c.gguf"));
}

TEST(Synth, ShapesThatCannotBeAreErrors) {
  const TempFolder folder;
  for (const Arguments& more : {Arguments{"--hidden", "-1"},
                                {"--heads", "4"},
                                {"--layers", "0"},
                                {"--kv-heads", "0"},
                                {"--vocabulary", "10"},
                                {"--head-dim", "7"},
                                {"--feed-forward", "0"}}) {
    SCOPED_TRACE(testing::PrintToString(more));
    Arguments all = {"synth", "--like", "SmolLM2-135M", "--type", "Q8_0", folder / "out.gguf"};
    all.insert(all.end(), more.begin(), more.end());
    expect_error(run(all), 2);
  }
  EXPECT_EQ(folder.names().size(), 0);
}

}  // namespace
}  // namespace yoke::test
