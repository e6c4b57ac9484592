// Shows tokens as they are generated and never emits half a UTF-8 character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace yoke {

class StreamDecoder {
 public:
  // after_text: the tokens continue a text, so that SentencePiece's first space is shown.
  explicit StreamDecoder(const Tokenizer& tokenizer, DecodeOptions options = {}, bool after_text = false);

  // The text that became complete with this token; may be empty. Always valid UTF-8: bytes that cannot belong
  // to a character are replaced by U+FFFD.
  std::string push(int32_t id);
  // At the end: U+FFFD where a character was left incomplete.
  std::string flush();

 private:
  std::string take(bool at_end);

  const Tokenizer* tokenizer_;
  DecodeOptions options_;
  bool strip_next_space_;
  std::string pending_;  // at most 3 bytes between calls
};

}  // namespace yoke
