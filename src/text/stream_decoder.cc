// The stream decoder: bytes wait until they are whole characters.
#include "text/stream_decoder.h"

#include "text/utf8.h"

namespace yoke {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, DecodeOptions options, bool after_text)
    : tokenizer_(&tokenizer),
      options_(options),
      strip_next_space_(options.strip_space_prefix && !after_text) {}

std::string StreamDecoder::push(int32_t id) {
  DecodeOptions options = options_;
  options.strip_space_prefix = strip_next_space_;
  pending_ += tokenizer_->decode({&id, 1}, options);
  strip_next_space_ = options_.strip_space_prefix &&
                      (tokenizer_->is_control(id) || tokenizer_->type(id) == TokenType::kUserDefined);
  return take(false);
}

std::string StreamDecoder::flush() {
  return take(true);
}

std::string StreamDecoder::take(bool at_end) {
  std::string out;
  size_t at = 0;
  while (at < pending_.size()) {
    if (const size_t length = utf8_length(pending_, at); length != 0) {
      out.append(pending_, at, length);
      at += length;
    } else if (utf8_incomplete(pending_, at)) {
      if (!at_end) break;
      // One U+FFFD for the whole broken character, as Unicode recommends.
      out += kReplacementCharacter;
      at = pending_.size();
    } else {
      out += kReplacementCharacter;
      at += utf8_invalid_length(pending_, at);
    }
  }
  pending_.erase(0, at);
  return out;
}

}  // namespace yoke
