// What byte-level BPE and SentencePiece have in common: plain text in, token ids out, no special tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/vocabulary.h"

namespace yoke {

class PlainEncoder {
 public:
  virtual ~PlainEncoder() = default;
  // after_special: the text opens the input or follows a special token.
  virtual void encode(std::string_view text, bool after_special, std::vector<int32_t>& out) const = 0;
};

// The views point into the vocabulary, which outlives the encoder.
using TokenMap = std::unordered_map<std::string_view, int32_t>;

// The vocabulary is checked: sizes agree, ids are in range.
std::unique_ptr<PlainEncoder> make_byte_level_bpe(const Vocabulary& vocabulary, const TokenMap& plain_tokens);
std::unique_ptr<PlainEncoder> make_sentence_piece(const Vocabulary& vocabulary, const TokenMap& plain_tokens,
                                                  bool space_prefix);

}  // namespace yoke
