// SmolLM2's tokenizer against Hugging Face tokenizers: the cut vocabulary of the repository always, the whole
// one where YOKE_TEST_MODEL names the demo model's file.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "text/fixtures.h"

namespace yoke {
namespace {

void expect_vectors(const Tokenizer& tokenizer, const char* which) {
  const auto data = nlohmann::json::parse(read_file(test_data("smollm_vectors.json")));
  ASSERT_GT(data["vectors"].size(), 150u);
  EncodeOptions options;
  options.add_special = false;
  for (const auto& vector : data["vectors"]) {
    const auto text = vector["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text, options), vector[which].get<std::vector<int32_t>>()) << text;
  }
}

TEST(Smollm, CutVocabulary) {
  expect_vectors(tokenizer_of(test_data("smollm_small.gguf")), "small");
}

TEST(Smollm, WholeVocabulary) {
  const char* model = std::getenv("YOKE_TEST_MODEL");
  if (model == nullptr || !std::filesystem::exists(model)) GTEST_SKIP() << "YOKE_TEST_MODEL names no file";
  const Tokenizer tokenizer = tokenizer_of(model);
  if (tokenizer.size() != 49152) GTEST_SKIP() << "YOKE_TEST_MODEL is not SmolLM2";
  expect_vectors(tokenizer, "full");
}

TEST(Smollm, MetadataOfTheFile) {
  const Tokenizer tokenizer = tokenizer_of(test_data("smollm_small.gguf"));
  EXPECT_EQ(tokenizer.vocabulary().pre, "smollm");
  EXPECT_EQ(tokenizer.token_text(*tokenizer.bos()), "<|im_start|>");
  EXPECT_EQ(tokenizer.token_text(*tokenizer.eos()), "<|im_end|>");
  EXPECT_FALSE(tokenizer.add_bos());
  EXPECT_TRUE(tokenizer.is_control(*tokenizer.eos()));
  EXPECT_TRUE(tokenizer.is_end(*tokenizer.eos()));
  EXPECT_TRUE(tokenizer.is_end(*tokenizer.find("<|endoftext|>")));
  EXPECT_NE(tokenizer.vocabulary().chat_template.find("im_start"), std::string::npos);
}

}  // namespace
}  // namespace yoke
