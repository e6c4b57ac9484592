// What a tokenizer is made from: the token table and its rules, as plain data, whatever file they came from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace yoke {

// The values are those of tokenizer.ggml.token_type.
enum class TokenType : int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      // parsed only where the caller asks for it, hidden in decoded text
  kUserDefined = 4,  // always parsed, always shown
  kUnused = 5,
  kByte = 6,  // "<0xE2>": SentencePiece's byte fallback
};

struct Vocabulary {
  std::string source;  // the file's name, for errors
  std::string model;   // tokenizer.ggml.model: "gpt2" (byte-level BPE) or "llama" (SentencePiece)
  std::string pre;     // tokenizer.ggml.pre: which pre-tokenizer; only for "gpt2"

  std::vector<std::string> tokens;     // [vocabulary]
  std::vector<float> scores;           // [vocabulary]; only "llama" needs them
  std::vector<TokenType> token_types;  // [vocabulary], or empty: all normal
  std::vector<std::string> merges;     // "left right", best first; only for "gpt2"

  std::optional<int32_t> bos, eos, eot, eom, unk, pad;
  // Absent: the default of the model and pre-tokenizer.
  std::optional<bool> add_bos, add_eos, add_space_prefix;

  std::string chat_template;  // Jinja; empty: none
};

}  // namespace yoke
