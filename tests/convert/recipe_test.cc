// The table of types: pure ones, mixes and what takes their place where rows are too short.
#include "convert/recipe.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace yoke {
namespace {

TEST(QuantizeType, EveryKnownNameIsReadInAnyCase) {
  for (const std::string& name : QuantizeType::known_names()) {
    EXPECT_EQ(QuantizeType::parse(name).name(), name);
    std::string lower = name;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(QuantizeType::parse(lower).name(), name);
  }
}

TEST(QuantizeType, AnUnknownNameListsTheKnown) {
  try {
    QuantizeType::parse("Q9_9");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(e.what()).find("Q4_K_M"), std::string::npos);
  }
}

DType mixed(const char* type, const char* tensor, int32_t block, int32_t blocks = 16) {
  return QuantizeType::parse(type).type_for({.name = tensor, .block = block, .blocks = blocks});
}

// Of 16 blocks the first and last eighth are 0, 1, 14, 15; every third between: 4, 7, 10, 13.
TEST(QuantizeType, TheMediumMixGivesSensitiveTensorsMoreBits) {
  for (int32_t block = 0; block < 16; ++block) {
    const bool more = block < 2 || block >= 14 || block % 3 == 1;
    const DType expected = more ? DType::kQ6_K : DType::kQ4_K;
    EXPECT_EQ(mixed("Q4_K_M", "blk.1.attn_v.weight", block), expected) << block;
    EXPECT_EQ(mixed("Q4_K_M", "blk.1.ffn_down.weight", block), expected) << block;
    EXPECT_EQ(mixed("Q4_K_M", "blk.1.attn_q.weight", block), DType::kQ4_K);
    EXPECT_EQ(mixed("Q5_K_M", "blk.1.ffn_up.weight", block), DType::kQ5_K);
  }
}

TEST(QuantizeType, TheHeadOfAMixIsQ6_K) {
  for (const char* type : {"Q3_K_M", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M"}) {
    EXPECT_EQ(QuantizeType::parse(type).type_for({.name = "output.weight", .is_output = true}), DType::kQ6_K);
  }
  EXPECT_EQ(QuantizeType::parse("Q4_K").type_for({.name = "output.weight", .is_output = true}), DType::kQ4_K);
}

// SmolLM2's rows of 576 are whole blocks of 32 but not of 256.
TEST(WithFallback, TakesTheNextTypeWhoseBlocksDivideTheRow) {
  const std::pair<DType, DType> short_rows[] = {
      {DType::kQ2_K, DType::kQ4_0},   {DType::kQ3_K, DType::kQ4_0}, {DType::kQ4_K, DType::kQ5_0},
      {DType::kQ5_K, DType::kQ5_1},   {DType::kQ6_K, DType::kQ8_0}, {DType::kIQ4_XS, DType::kIQ4_NL},
      {DType::kMXFP4, DType::kMXFP4}, {DType::kQ8_0, DType::kQ8_0}};
  for (const auto& [asked, given] : short_rows) {
    EXPECT_EQ(with_fallback(asked, 512), asked);
    EXPECT_EQ(with_fallback(asked, 576), given) << traits(asked).name;
    EXPECT_EQ(with_fallback(asked, 33), DType::kF16) << traits(asked).name;
  }
  EXPECT_EQ(with_fallback(DType::kBF16, 33), DType::kBF16);
}

}  // namespace
}  // namespace yoke
