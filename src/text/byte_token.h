// SentencePiece's tokens for single bytes are spelled "<0x41>".
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace yoke {

inline std::optional<uint8_t> byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  uint8_t byte = 0;
  const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
  if (error != std::errc() || end != text.data() + 5) return std::nullopt;
  return byte;
}

}  // namespace yoke
