// The stream decoder: what it emits is always whole characters, and together the text.
#include "text/stream_decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "text/small_vocabularies.h"
#include "text/utf8.h"

namespace yoke {
namespace {

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

// As Python's bytes.decode("utf-8", "replace").
std::string replaced(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (const size_t length = utf8_length(text, at); length != 0) {
      out += text.substr(at, length);
      at += length;
    } else {
      out += kReplacementCharacter;
      at += utf8_invalid_length(text, at);
    }
  }
  return out;
}

std::string streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  StreamDecoder decoder(tokenizer);
  std::string out;
  for (const int32_t id : ids) {
    const std::string piece = decoder.push(id);
    EXPECT_TRUE(is_utf8(piece));
    out += piece;
  }
  return out + decoder.flush();
}

EncodeOptions plain() {
  EncodeOptions options;
  options.add_special = false;
  return options;
}

TEST(StreamDecoder, ByteByByte) {
  const Tokenizer tokenizer = Tokenizer::create(bpe_vocabulary());
  const std::string text = "a\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x99\x82z";
  const auto ids = tokenizer.encode(text, plain());
  ASSERT_EQ(ids.size(), text.size());
  StreamDecoder decoder(tokenizer);
  std::vector<std::string> pieces;
  for (const int32_t id : ids) pieces.push_back(decoder.push(id));
  EXPECT_EQ(pieces, (std::vector<std::string>{"a", "", "\xC3\xA9", "", "", "\xE6\xBC\xA2", "", "", "",
                                              "\xF0\x9F\x99\x82", "z"}));
  EXPECT_EQ(decoder.flush(), "");
}

TEST(StreamDecoder, BrokenCharacters) {
  const Tokenizer tokenizer = Tokenizer::create(bpe_vocabulary());
  const auto of = [&](const std::string& text) {
    return streamed(tokenizer, tokenizer.encode(text, plain()));
  };
  EXPECT_EQ(of("a\xC3"), "a\xEF\xBF\xBD");
  EXPECT_EQ(of("\xE6\xBC"), "\xEF\xBF\xBD");
  EXPECT_EQ(of("\xC3z"), "\xEF\xBF\xBDz");
  EXPECT_EQ(of("\xFF\xFE"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(of("\xED\xA0\x80"), replaced("\xED\xA0\x80"));
}

TEST(StreamDecoder, AnyBytesGiveTheSameTextAsAtOnce) {
  std::mt19937 random(4);
  const Tokenizer bpe = Tokenizer::create(bpe_vocabulary()), spm = Tokenizer::create(spm_vocabulary());
  for (int i = 0; i < 400; ++i) {
    std::string text;
    for (size_t n = random() % 60; n > 0; --n) {
      const auto byte = static_cast<uint8_t>(random() & 0xFF);
      text.push_back(static_cast<char>(random() % 3 == 0 ? byte : byte | 0xC0));
    }
    EXPECT_EQ(streamed(bpe, bpe.encode(text, plain())), replaced(text));
    EXPECT_EQ(streamed(spm, spm.encode(text, plain())), replaced(text));
  }
}

TEST(StreamDecoder, ControlTokensAreHidden) {
  const Tokenizer tokenizer = Tokenizer::create(bpe_vocabulary());
  EncodeOptions special = plain();
  special.parse_special = true;
  const auto ids = tokenizer.encode("a<|im_end|>b<tool>", special);
  EXPECT_EQ(streamed(tokenizer, ids), "ab<tool>");
}

TEST(StreamDecoder, TheSpacePrefixIsTakenBackOnce) {
  const Tokenizer tokenizer = Tokenizer::create(spm_vocabulary());
  const auto ids = tokenizer.encode("hello hello", plain());
  EXPECT_EQ(streamed(tokenizer, ids), "hello hello");
  StreamDecoder after(tokenizer, {}, true);
  EXPECT_EQ(after.push(ids[0]), " hello");
}

}  // namespace
}  // namespace yoke
