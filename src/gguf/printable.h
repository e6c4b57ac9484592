// Text from a file, made fit to be printed: no control characters, valid UTF-8, bounded length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace yoke {

// Control characters, bytes that are no UTF-8 and backslashes become escapes such as \x0a; what is longer
// than max_bytes ends in "...". The result is one line.
std::string printable(std::string_view text, size_t max_bytes = 80);

// Bytes that are no UTF-8 become U+FFFD; everything else stays.
std::string valid_utf8(std::string_view text);

}  // namespace yoke
