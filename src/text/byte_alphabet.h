// GPT-2's alphabet: every byte has one printable character, so that token tables of bytes are readable text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace yoke {

// "Ġhello" -> " hello"; none where a character is not of the alphabet.
std::optional<std::string> bytes_from_alphabet(std::string_view spelled);
// " hello" -> "Ġhello"
std::string alphabet_from_bytes(std::string_view bytes);

}  // namespace yoke
