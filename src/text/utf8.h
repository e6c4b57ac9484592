// UTF-8 by hand: decoding that never trusts its input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace yoke {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// The length of the valid UTF-8 character at text[at] (1 to 4), or 0 where there is none: overlong forms,
// surrogates and code points above 10FFFF are not characters.
size_t utf8_length(std::string_view text, size_t at);

// True where the bytes from `at` to the end could begin a valid character that is not complete yet.
bool utf8_incomplete(std::string_view text, size_t at);

// Where there is no valid character: how many bytes one U+FFFD stands for (the longest beginning of a
// character, at least one byte), as Unicode recommends and Python does.
size_t utf8_invalid_length(std::string_view text, size_t at);

// The code point of the valid character at text[at], whose length is known.
char32_t utf8_code_point(std::string_view text, size_t at, size_t length);

void append_utf8(std::string& out, char32_t code_point);

}  // namespace yoke
