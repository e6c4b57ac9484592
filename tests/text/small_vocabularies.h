// Vocabularies made in memory: byte-level BPE and SentencePiece, just large enough for what is tested.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace yoke {

inline int32_t add_token(Vocabulary& v, const std::string& text, TokenType type, float score = 0) {
  v.tokens.push_back(text);
  v.token_types.push_back(type);
  v.scores.push_back(score);
  return static_cast<int32_t>(v.tokens.size()) - 1;
}

// All 256 bytes, a few merges, and control tokens as chat models have them.
inline Vocabulary bpe_vocabulary(const std::string& pre = "gpt-2") {
  Vocabulary v;
  v.source = "small.gguf";
  v.model = "gpt2";
  v.pre = pre;
  v.eos = add_token(v, "<|endoftext|>", TokenType::kControl);
  add_token(v, "<|im_start|>", TokenType::kControl);
  add_token(v, "<|im_end|>", TokenType::kControl);
  v.bos = add_token(v, "<s>", TokenType::kControl);
  add_token(v, "<tool>", TokenType::kUserDefined);
  add_token(v, "<|marker|>", TokenType::kUserDefined);
  for (int byte = 0; byte < 256; ++byte) {
    add_token(v, alphabet_from_bytes(std::string(1, static_cast<char>(byte))), TokenType::kNormal);
  }
  for (const char* merge : {"a a", "aa aa", "h e", "l l", "he ll", "hell o", "\xC4\xA0 w", "i m"}) {
    const std::string line = merge;
    std::string joined = line;
    joined.erase(joined.find(' '), 1);
    add_token(v, joined, TokenType::kNormal);
    v.merges.push_back(line);
  }
  return v;
}

// The three special tokens, 256 byte tokens, letters, and some words.
inline Vocabulary spm_vocabulary() {
  Vocabulary v;
  v.source = "small.gguf";
  v.model = "llama";
  v.unk = add_token(v, "<unk>", TokenType::kUnknown);
  v.bos = add_token(v, "<s>", TokenType::kControl);
  v.eos = add_token(v, "</s>", TokenType::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", byte);
    add_token(v, text, TokenType::kByte);
  }
  const std::string space = "\xE2\x96\x81";
  float score = -1;
  for (const std::string& word : {std::string("he"), std::string("ll"), std::string("hell"),
                                  std::string("hello"), space + space, space + "w", space + "hello"}) {
    add_token(v, word, TokenType::kNormal, score--);
  }
  add_token(v, space, TokenType::kNormal, -100);
  for (char c = 'a'; c <= 'z'; ++c) add_token(v, std::string(1, c), TokenType::kNormal, -101);
  return v;
}

}  // namespace yoke
