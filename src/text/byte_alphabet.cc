// The table behind GPT-2's byte alphabet: visible Latin-1 bytes stand for themselves, the others are numbered
// from U+0100 on.
#include "text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "text/utf8.h"

namespace yoke {
namespace {

constexpr char32_t kFirstShifted = 0x100;
constexpr int kShifted = 68;  // bytes that do not stand for themselves

bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<char32_t, 256> character;
  std::array<int16_t, kFirstShifted + kShifted> byte;  // -1: none
};

const Alphabet& alphabet() {
  static const Alphabet table = [] {
    Alphabet a;
    a.byte.fill(-1);
    char32_t next = kFirstShifted;
    for (int byte = 0; byte < 256; ++byte) {
      a.character[byte] = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
      a.byte[a.character[byte]] = static_cast<int16_t>(byte);
    }
    return a;
  }();
  return table;
}

}  // namespace

std::optional<std::string> bytes_from_alphabet(std::string_view spelled) {
  std::string bytes;
  for (size_t at = 0; at < spelled.size();) {
    const size_t length = utf8_length(spelled, at);
    if (length == 0) return std::nullopt;
    const char32_t c = utf8_code_point(spelled, at, length);
    if (c >= alphabet().byte.size() || alphabet().byte[c] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(alphabet().byte[c]));
    at += length;
  }
  return bytes;
}

std::string alphabet_from_bytes(std::string_view bytes) {
  std::string spelled;
  for (const char byte : bytes) append_utf8(spelled, alphabet().character[static_cast<uint8_t>(byte)]);
  return spelled;
}

}  // namespace yoke
