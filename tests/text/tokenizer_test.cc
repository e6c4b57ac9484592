// Properties of the tokenizer that hold for any text: nothing is lost, nothing is injected, nothing takes for
// ever; and what it makes of bad vocabularies.
#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <limits>
#include <random>

#include "base/error.h"
#include "text/pre_tokenizer.h"
#include "text/small_vocabularies.h"

namespace yoke {
namespace {

using testing::HasSubstr;

EncodeOptions plain() {
  EncodeOptions options;
  options.add_special = false;
  return options;
}

DecodeOptions everything() {
  DecodeOptions options;
  options.keep_special = true;
  return options;
}

std::string random_bytes(std::mt19937& random, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(random() & 0xFF));
  return bytes;
}

// Letters, spaces, broken and whole UTF-8 and the names of special tokens, mixed.
std::string random_text(std::mt19937& random) {
  const std::vector<std::string> parts = {
      "a",  "hello", " ",    "\n",       "\xC3\xA9",   "\xF0\x9F\x99\x82",
      "7",  "\xE2",  "\x96", "\xFF",     "<|im_end|>", "<tool>",
      "<|", "'s",    "\t",   "\xEF\xBF", "!",          std::string(1, '\0')};
  std::string text;
  for (size_t n = random() % 40; n > 0; --n) text += parts[random() % parts.size()];
  return text;
}

TEST(Tokenizer, ByteLevelLosesNothing) {
  std::mt19937 random(1);
  for (const std::string& pre : PreTokenizer::known_names()) {
    const Tokenizer tokenizer = Tokenizer::create(bpe_vocabulary(pre));
    for (int i = 0; i < 100; ++i) {
      const std::string text = i % 2 ? random_bytes(random, random() % 200) : random_text(random);
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, plain()), everything()), text) << pre;
      EncodeOptions special = plain();
      special.parse_special = true;
      EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, special), everything()), text) << pre;
    }
  }
}

TEST(Tokenizer, SentencePieceLosesNothing) {
  std::mt19937 random(2);
  const Tokenizer tokenizer = Tokenizer::create(spm_vocabulary());
  for (int i = 0; i < 200; ++i) {
    const std::string text = i % 2 ? random_bytes(random, random() % 200) : random_text(random);
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, plain()), everything()), text);
  }
}

TEST(Tokenizer, MergesByRank) {
  const Tokenizer tokenizer = Tokenizer::create(bpe_vocabulary());
  const auto spelled = [&](const std::string& text) {
    std::vector<std::string> pieces;
    for (const int32_t id : tokenizer.encode(text, plain())) pieces.emplace_back(tokenizer.piece(id));
    return pieces;
  };
  EXPECT_THAT(spelled("hello world"), testing::ElementsAre("hello", " w", "o", "r", "l", "d"));
  EXPECT_THAT(spelled("aaaaa"), testing::ElementsAre("aaaa", "a"));
  EXPECT_THAT(spelled("aaaaaaaaa"), testing::ElementsAre("aaaa", "aaaa", "a"));
  EXPECT_THAT(spelled(""), testing::IsEmpty());
}

TEST(Tokenizer, SentencePiecePrefersTheBestScore) {
  const Tokenizer tokenizer = Tokenizer::create(spm_vocabulary());
  const auto ids = tokenizer.encode("hello w", plain());
  std::vector<std::string> pieces;
  for (const int32_t id : ids) pieces.emplace_back(tokenizer.token_text(id));
  EXPECT_THAT(pieces, testing::ElementsAre("\xE2\x96\x81hello", "\xE2\x96\x81w"));
  EXPECT_EQ(tokenizer.decode(ids), "hello w");
  EXPECT_EQ(tokenizer.encode("x").front(), *tokenizer.bos());
}

TEST(Tokenizer, SpecialTokensOnlyWhereAllowed) {
  const Tokenizer tokenizer = Tokenizer::create(bpe_vocabulary());
  const int32_t end = *tokenizer.find("<|im_end|>");
  const auto count = [&](const std::vector<int32_t>& ids) { return std::count(ids.begin(), ids.end(), end); };
  EXPECT_EQ(count(tokenizer.encode("x<|im_end|>y")), 0);
  EncodeOptions special;
  special.parse_special = true;
  EXPECT_EQ(count(tokenizer.encode("x<|im_end|>y<|im_end|>", special)), 2);

  const auto of = [&](std::vector<TextSegment> segments) { return count(tokenizer.encode(segments)); };
  EXPECT_EQ(of({{"<|im_end|>", true}}), 1);
  EXPECT_EQ(of({{"<|im_end|>", false}}), 0);
  EXPECT_EQ(of({{"<|im", true}, {"_end|>", true}}), 1);
  EXPECT_EQ(of({{"<|im", true}, {"_end|>", false}}), 0);
  EXPECT_EQ(of({{"<|im", false}, {"_end|>", true}}), 0);
  EXPECT_EQ(of({{"<|im_end|", true}, {">", false}, {"<|im_end|>", true}}), 1);
  EXPECT_EQ(of({{"<|im", true}, {"", false}, {"_end|>", true}}), 1);
  // User-defined tokens are part of the text's language, unless they look like a template's marker.
  const int32_t tool = *tokenizer.find("<tool>"), marker = *tokenizer.find("<|marker|>");
  const auto ids = tokenizer.encode("<tool><|marker|>", plain());
  EXPECT_EQ(std::count(ids.begin(), ids.end(), tool), 1);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), marker), 0);
  EXPECT_EQ(std::count_if(ids.begin(), ids.end(), [&](int32_t id) { return tokenizer.is_control(id); }), 0);
}

TEST(Tokenizer, NoSegmentOfPeopleBecomesControl) {
  std::mt19937 random(3);
  const Tokenizer tokenizer = Tokenizer::create(bpe_vocabulary());
  const std::vector<std::string> parts = {"<|im_end|>",    "<|im_", "end|>", "<s>",
                                          "<|endoftext|>", "<",     "|>",    "x"};
  for (int i = 0; i < 500; ++i) {
    std::vector<TextSegment> segments;
    for (size_t n = random() % 6; n > 0; --n) {
      std::string text;
      for (size_t k = random() % 4; k > 0; --k) text += parts[random() % parts.size()];
      segments.push_back({text, false});
    }
    for (const int32_t id : tokenizer.encode(segments, plain())) EXPECT_FALSE(tokenizer.is_control(id));
  }
}

TEST(Tokenizer, EndsOfTurnsAreControlWhateverTheFileSays) {
  Vocabulary v = bpe_vocabulary();
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (v.token_types[id] == TokenType::kControl) v.token_types[id] = TokenType::kUserDefined;
  }
  const Tokenizer tokenizer = Tokenizer::create(v);
  for (const int32_t id : tokenizer.encode("<|im_end|><|endoftext|><|im_start|>", plain())) {
    EXPECT_FALSE(tokenizer.is_end(id));
    EXPECT_NE(tokenizer.token_text(id), "<|im_start|>");
  }
  EXPECT_TRUE(tokenizer.is_end(*tokenizer.find("<|im_end|>")));
}

double seconds_for(const Tokenizer& tokenizer, const std::string& text) {
  const std::clock_t start = std::clock();
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, plain())), text);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// 16 times the text may take 16 times as long and somewhat more; quadratic work would take 256 times as long.
TEST(Tokenizer, LongWordsTakeLinearTime) {
  const auto texts_of = [](size_t size) {
    return std::vector<std::string>{std::string(size, 'a'),       std::string(size, ' '),
                                    std::string(size, '7'),       std::string(size, '\n'),
                                    std::string(size, '!'),       std::string(size, '\xFF'),
                                    std::string(size, ' ') + "x", std::string(size, '<')};
  };
  std::vector<Tokenizer> tokenizers;
  for (const char* pre : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) {
    tokenizers.push_back(Tokenizer::create(bpe_vocabulary(pre)));
  }
  tokenizers.push_back(Tokenizer::create(spm_vocabulary()));
  double small = 0, large = 0;
  for (const Tokenizer& tokenizer : tokenizers) {
    for (const std::string& text : texts_of(1 << 14)) small += seconds_for(tokenizer, text);
    for (const std::string& text : texts_of(1 << 18)) large += seconds_for(tokenizer, text);
  }
  EXPECT_LT(large, 100 * small + 1);
}

template <typename Change>
std::string error_of(Vocabulary v, const Change& change) {
  change(v);
  try {
    Tokenizer::create(std::move(v));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
    return error.what();
  }
  return "";
}

TEST(Tokenizer, UnknownPreTokenizerListsTheKnownOnes) {
  const std::string error = error_of(bpe_vocabulary(), [](Vocabulary& v) { v.pre = "from-the-future"; });
  EXPECT_THAT(error, HasSubstr("small.gguf"));
  EXPECT_THAT(error, HasSubstr("tokenizer.ggml.pre"));
  EXPECT_THAT(error, HasSubstr("from-the-future"));
  for (const char* known : {"gpt-2", "smollm", "llama-bpe", "qwen2"}) EXPECT_THAT(error, HasSubstr(known));
}

TEST(Tokenizer, BadVocabulariesAreOneClearError) {
  const Vocabulary bpe = bpe_vocabulary(), spm = spm_vocabulary();
  EXPECT_THAT(error_of(bpe, [](Vocabulary& v) { v.model = "wordpiece"; }), HasSubstr("known: gpt2, llama"));
  EXPECT_THAT(error_of(bpe, [](Vocabulary& v) { v.tokens.clear(); }), HasSubstr("empty"));
  EXPECT_THAT(error_of(bpe, [](Vocabulary& v) { v.token_types.pop_back(); }), HasSubstr("token_type"));
  EXPECT_THAT(error_of(spm, [](Vocabulary& v) { v.scores.clear(); }), HasSubstr("scores"));
  EXPECT_THAT(error_of(spm, [](Vocabulary& v) { v.scores[5] = std::nanf(""); }), HasSubstr("not a number"));
  EXPECT_THAT(error_of(bpe, [](Vocabulary& v) { v.eos = 1 << 30; }), HasSubstr("eos_token_id"));
  EXPECT_THAT(error_of(bpe, [](Vocabulary& v) { v.bos = -5; }), HasSubstr("bos_token_id"));
  EXPECT_THAT(error_of(bpe, [](Vocabulary& v) { v.bos.reset(), v.add_bos = true; }),
              HasSubstr("bos_token_id"));
}

TEST(Tokenizer, OddVocabulariesWork) {
  Vocabulary v = bpe_vocabulary();
  v.merges.insert(v.merges.end(), {"", " ", "a", "a ", " a", "  ", "zz yy", "a b c", "\xFF \xFE"});
  add_token(v, "", TokenType::kNormal);
  add_token(v, "", TokenType::kControl);
  add_token(v, "a", TokenType::kNormal);         // twice
  add_token(v, "\xFF\xFE", TokenType::kNormal);  // no UTF-8
  add_token(v, "<0x41>", TokenType::kByte);
  add_token(v, std::string(100000, '<'), TokenType::kControl);
  const Tokenizer tokenizer = Tokenizer::create(v);
  const std::string text = "a b\xFF <0x41><<<< aaaa";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, plain())), text);
  EXPECT_THROW(tokenizer.piece(-1), Error);
  EXPECT_THROW(tokenizer.piece(tokenizer.size()), Error);
  EXPECT_THROW(tokenizer.decode(std::vector<int32_t>{std::numeric_limits<int32_t>::max()}), Error);
  EXPECT_FALSE(tokenizer.find("no such token"));
}

// Bytes without a token are left out; what remains merges as if they had not been there.
TEST(Tokenizer, BytesWithoutTokens) {
  Vocabulary v = bpe_vocabulary();
  v.tokens[*Tokenizer::create(v).find("b")] = "unused";
  const Tokenizer tokenizer = Tokenizer::create(v);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("aba", plain())), "aa");
  EXPECT_EQ(tokenizer.encode("aba", plain()), tokenizer.encode("aa", plain()));
}

TEST(Tokenizer, BosAndEos) {
  Vocabulary v = bpe_vocabulary();
  v.add_bos = true;
  v.add_eos = true;
  const Tokenizer tokenizer = Tokenizer::create(v);
  const auto ids = tokenizer.encode("");
  EXPECT_THAT(ids, testing::ElementsAre(*v.bos, *v.eos));
  EXPECT_EQ(tokenizer.decode(ids), "");
  EXPECT_EQ(tokenizer.decode(ids, everything()), "<s><|endoftext|>");
  EXPECT_TRUE(Tokenizer::create(bpe_vocabulary("llama-bpe")).add_bos());
  EXPECT_FALSE(Tokenizer::create(bpe_vocabulary("qwen2")).add_bos());
}

}  // namespace
}  // namespace yoke
