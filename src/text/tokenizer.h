// Turns text into token ids and back, as the model's vocabulary says: byte-level BPE or SentencePiece.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace yoke {

struct EncodeOptions {
  bool parse_special = false;  // "<|im_start|>" in the text becomes the control token of that name
  bool add_special = true;     // BOS and EOS, where the vocabulary asks for them
};

struct DecodeOptions {
  bool keep_special = false;       // show control tokens by their names
  bool strip_space_prefix = true;  // SentencePiece: take back the space that encode() puts in front
};

// A stretch of a longer text. Text from users has parse_special = false: no control token is ever found in
// it.
struct TextSegment {
  std::string text;
  bool parse_special = false;
  bool operator==(const TextSegment&) const = default;
};

// Immutable after create(); all const members may be called from several threads.
class Tokenizer {
 public:
  // Throws kBadFile: an unknown model or pre-tokenizer (the known ones are listed), sizes that disagree,
  // ids out of range.
  static Tokenizer create(Vocabulary vocabulary);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Any bytes are accepted. Byte-level BPE is lossless: decode(encode(x)) == x also where x is not UTF-8.
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {}) const;
  // The segments are one text: a word may run across their borders. Control tokens are found only where all
  // of their bytes lie in segments with parse_special; options.parse_special is not read.
  std::vector<int32_t> encode(std::span<const TextSegment> segments, const EncodeOptions& options = {}) const;

  // The bytes may end (or begin) inside a UTF-8 character; StreamDecoder puts them together. Ids out of range
  // are an error (kUsage).
  std::string decode(std::span<const int32_t> ids, const DecodeOptions& options = {}) const;
  // The bytes of one token, control tokens by their names. No SentencePiece space is stripped.
  std::string_view piece(int32_t id) const;
  // The token as the vocabulary spells it.
  std::string_view token_text(int32_t id) const;
  std::optional<int32_t> find(std::string_view token_text) const;

  int32_t size() const;
  TokenType type(int32_t id) const;
  bool is_control(int32_t id) const;
  // True where generation stops: eos, eot, eom and those implied by a control token's name (<|im_end|> ...).
  bool is_end(int32_t id) const;
  std::span<const int32_t> end_tokens() const;

  std::optional<int32_t> bos() const;
  std::optional<int32_t> eos() const;
  bool add_bos() const;
  bool add_eos() const;
  bool add_space_prefix() const;
  const Vocabulary& vocabulary() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace yoke
