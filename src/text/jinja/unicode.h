// What Python's strings know about characters: spaces, classes, upper and lower case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace yoke::jinja {

// The bytes of the white space character (Python's notion) at text[at]; 0: it is something else.
size_t space_size(std::string_view text, size_t at);
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);

// A letter, a digit or "_".
bool is_word_character(std::string_view text, size_t at);

enum class CharacterClass { kLetter, kDecimal, kDigit, kNumeric, kUpper, kLower, kTitle, kPrintable };
// Every character of Unicode has the class or not; a byte that is not UTF-8 has none.
bool has_class(char32_t c, CharacterClass character_class);

enum class Case { kUpper, kLower, kTitle, kFold };
// One character can become up to three.
std::u32string change_case(char32_t c, Case to);
// A final sigma depends on whether letters stand around it; these are skipped when looking for them.
bool is_case_ignorable(char32_t c);
bool is_cased(char32_t c);

}  // namespace yoke::jinja
