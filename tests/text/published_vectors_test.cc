// Token ids of published models' own tokenizers, from ../shared/fixtures where that folder exists.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "text/fixtures.h"

namespace yoke {
namespace {

std::vector<std::string> inputs_of(const std::string& file) {
  constexpr std::string_view separator = "\n__ggml_vocab_test__\n";
  std::vector<std::string> inputs;
  for (size_t at = 0; at < file.size();) {
    const size_t end = file.find(separator, at);
    if (end == std::string::npos) break;
    inputs.push_back(file.substr(at, end - at));
    at = end + separator.size();
  }
  return inputs;
}

std::vector<std::vector<int32_t>> ids_of(const std::string& file) {
  std::vector<std::vector<int32_t>> all;
  std::istringstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    all.emplace_back(std::istream_iterator<int32_t>(numbers), std::istream_iterator<int32_t>());
  }
  return all;
}

class PublishedVectors : public testing::TestWithParam<const char*> {};

TEST_P(PublishedVectors, IdsAreThoseOfTheModel) {
  const auto path = shared_fixtures() / "tokenizers" / (std::string(GetParam()) + ".gguf");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no ../shared/fixtures/tokenizers/" << path.filename();
  const Tokenizer tokenizer = tokenizer_of(path);
  const auto inputs = inputs_of(read_file(path.string() + ".inp"));
  const auto expected = ids_of(read_file(path.string() + ".out"));
  ASSERT_EQ(inputs.size(), 46u);
  ASSERT_EQ(expected.size(), inputs.size());
  EncodeOptions options;
  options.add_special = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto ids = tokenizer.encode(inputs[i], options);
    EXPECT_EQ(ids, expected[i]) << "input " << i << ": " << inputs[i];
    EXPECT_EQ(tokenizer.decode(ids), inputs[i]) << "input " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, PublishedVectors,
                         testing::Values("gpt-2", "llama-bpe", "qwen2", "llama-spm", "refact"),
                         [](const auto& model) {
                           std::string name = model.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace yoke
