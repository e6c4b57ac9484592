// What strings can do, for methods and filters alike; who wrote each character is kept.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "text/jinja/machine.h"
#include "text/jinja/text.h"
#include "text/jinja/unicode.h"

namespace yoke::jinja {

enum class Side { kLeft, kRight, kBoth };

Text upper_text(const Text& text);
Text lower_text(const Text& text);
Text fold_text(const Text& text);
Text capitalize_text(const Text& text);
Text title_text(const Text& text);  // the method; the filter of that name differs
Text swap_case_text(const Text& text);

// characters: none strips white space.
Text strip_text(const Text& text, Side side, const Text* characters);
Text replace_text(Machine& machine, const Text& text, const Text& from, const Text& to, int64_t count);
// separator: null splits at white space. most: -1 is no limit.
std::vector<Value> split_text(Machine& machine, const Text& text, const Text* separator, int64_t most);
std::vector<Value> split_text_from_right(Machine& machine, const Text& text, const Text* separator,
                                         int64_t most);
std::vector<Text> split_lines(Machine& machine, const Text& text, bool keep_ends);
Text center_text(Machine& machine, const Text& text, int64_t width, const Text& fill);
Text join_texts(Machine& machine, const Text& separator, const std::vector<Text>& parts);

}  // namespace yoke::jinja
