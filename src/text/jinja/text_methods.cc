// The methods of strings.
#include <algorithm>
#include <array>
#include <functional>

#include "text/jinja/arguments.h"
#include "text/jinja/failure.h"
#include "text/jinja/format.h"
#include "text/jinja/operations.h"
#include "text/jinja/text_operations.h"
#include "text/utf8.h"

namespace yoke::jinja {
namespace {

using Method = Value (*)(Machine&, const Text&, const Arguments&);

template <Text (*change)(const Text&)>
Value changed(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("method", arguments, {});
  machine.charge_text(4 * self.size());
  return Value(change(self));
}

template <Side side>
Value strip(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("strip", arguments, {"chars"});
  machine.charge_text(self.size());
  const Text* set = bound.is_absent(0) ? nullptr : &bound.text(0);
  if (set != nullptr) machine.charge(self.size() * (1 + set->size() / 16));
  return Value(strip_text(self, side, set));
}

template <bool from_right>
Value split(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("split", arguments, {"sep", "maxsplit"});
  const Text* separator = bound.is_absent(0) ? nullptr : &bound.text(0);
  const int64_t most = bound.integer_or(1, -1);
  return make_list(from_right ? split_text_from_right(machine, self, separator, most)
                              : split_text(machine, self, separator, most));
}

Value split_lines_method(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("splitlines", arguments, {"keepends"});
  std::vector<Value> lines;
  for (Text& line : split_lines(machine, self, bound.flag_or(0, false)))
    lines.push_back(Value(std::move(line)));
  return make_list(std::move(lines));
}

template <bool from_right>
Value partition(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("partition", arguments, {"sep"}, 1);
  const Text& separator = bound.text(0);
  if (separator.empty()) throw Failure("partition(): empty separator");
  machine.charge_text(self.size());
  const size_t found =
      from_right ? self.bytes().rfind(separator.bytes()) : self.bytes().find(separator.bytes());
  if (found == std::string::npos) {
    return from_right ? make_tuple({Value(Text()), Value(Text()), Value(self)})
                      : make_tuple({Value(self), Value(Text()), Value(Text())});
  }
  return make_tuple(
      {Value(self.slice(0, found)), Value(separator), Value(self.slice(found + separator.size()))});
}

// The bytes that lie between the characters start and stop, as slices have them; none where start is behind
// the end.
struct Window {
  bool empty = false;
  size_t begin = 0, end = 0;
};

Window window(const Text& self, const Bound& bound, size_t first) {
  if (bound.is_absent(first) && bound.is_absent(first + 1)) return {false, 0, self.size()};
  const std::vector<size_t> offsets = self.character_offsets();
  const auto count = static_cast<int64_t>(offsets.size()) - 1;
  const auto place = [&](size_t i, int64_t otherwise) {
    int64_t at = bound.is_absent(i) ? otherwise : bound.integer(i);
    return at < 0 ? std::max<int64_t>(at + count, 0) : at;
  };
  const int64_t start = place(first, 0), stop = std::min(place(first + 1, count), count);
  if (start > stop) return {true, 0, 0};
  return {false, offsets[static_cast<size_t>(start)], offsets[static_cast<size_t>(stop)]};
}

size_t characters_before(const Text& text, size_t byte) {
  size_t count = 0;
  for (size_t at = 0; at < byte; at += text.character_size(at)) ++count;
  return count;
}

int64_t find_in(Machine& machine, const Text& self, const Bound& bound, bool from_right) {
  machine.charge_text(self.size());
  const Window w = window(self, bound, 1);
  if (w.empty) return -1;
  const std::string_view inside = std::string_view(self.bytes()).substr(w.begin, w.end - w.begin);
  const size_t found = from_right ? inside.rfind(bound.text(0).bytes()) : inside.find(bound.text(0).bytes());
  if (found == std::string_view::npos) return -1;
  return static_cast<int64_t>(characters_before(self, w.begin + found));
}

template <bool from_right, bool must_find>
Value find(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("find", arguments, {"sub", "start", "end"}, 1);
  bound.text(0);
  const int64_t at = find_in(machine, self, bound, from_right);
  if (must_find && at < 0) throw Failure("index(): substring not found");
  return Value(at);
}

Value count(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("count", arguments, {"sub", "start", "end"}, 1);
  const Text& part = bound.text(0);
  machine.charge_text(self.size());
  const Window w = window(self, bound, 1);
  if (w.empty) return Value(int64_t{0});
  const Text inside = self.slice(w.begin, w.end - w.begin);
  if (part.empty()) return Value::size(inside.length() + 1);
  int64_t times = 0;
  for (size_t at = inside.bytes().find(part.bytes()); at != std::string::npos;
       at = inside.bytes().find(part.bytes(), at + part.size())) {
    ++times;
  }
  return Value(times);
}

template <bool at_end>
Value has_affix(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound(at_end ? "endswith" : "startswith", arguments, {"affix", "start", "end"}, 1);
  machine.charge_text(self.size());
  const Window w = window(self, bound, 1);
  const std::string_view inside = std::string_view(self.bytes()).substr(w.begin, w.end - w.begin);
  const auto fits = [&](const Value& affix) {
    const Text* text = affix.text();
    if (text == nullptr) throw Failure("startswith() and endswith() take a string or a tuple of strings");
    if (w.empty) return false;
    return at_end ? inside.ends_with(text->bytes()) : inside.starts_with(text->bytes());
  };
  const Sequence* several = bound[0].sequence();
  if (several == nullptr || !several->is_tuple()) return Value(fits(bound[0]));
  machine.charge(several->items.size());
  return Value(std::any_of(several->items.begin(), several->items.end(), fits));
}

template <bool at_end>
Value remove_affix(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("removeprefix", arguments, {"affix"}, 1);
  const Text& affix = bound.text(0);
  machine.charge_text(self.size());
  const bool there = at_end ? self.bytes().ends_with(affix.bytes()) : self.bytes().starts_with(affix.bytes());
  if (!there) return Value(self);
  return Value(at_end ? self.slice(0, self.size() - affix.size()) : self.slice(affix.size()));
}

Value replace(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("replace", arguments, {"old", "new", "count"}, 2);
  machine.charge_text(self.size());
  return Value(replace_text(machine, self, bound.text(0), bound.text(1), bound.integer_or(2, -1)));
}

Value join(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("join", arguments, {"iterable"}, 1);
  std::vector<Text> parts;
  for (const Value& value : iterate(machine, bound[0])) {
    if (value.text() == nullptr) throw Failure("join(): expected a string, found " + type_name(value));
    machine.charge_text(value.text()->size());
    parts.push_back(*value.text());
  }
  return Value(join_texts(machine, self, parts));
}

Value format(Machine& machine, const Text& self, const Arguments& arguments) {
  return Value(format_braces(machine, self, arguments));
}

Text fill_of(const Bound& bound) {
  if (!bound.has(1)) return Text::by_template(" ");
  if (bound.text(1).length() != 1) throw Failure("the fill character must be exactly one character long");
  return bound.text(1);
}

Value center(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("center", arguments, {"width", "fillchar"}, 1);
  return Value(center_text(machine, self, bound.integer(0), fill_of(bound)));
}

template <bool text_first>
Value justify(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("ljust", arguments, {"width", "fillchar"}, 1);
  const Text fill = fill_of(bound);
  const auto missing = std::max<int64_t>(bound.integer(0) - static_cast<int64_t>(self.length()), 0);
  machine.charge_text(static_cast<size_t>(missing) + self.size());
  Text out = text_first ? self : Text();
  for (int64_t i = 0; i < missing; ++i) out.append(fill);
  if (!text_first) out.append(self);
  return Value(std::move(out));
}

Value zero_fill(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("zfill", arguments, {"width"}, 1);
  const auto missing = std::max<int64_t>(bound.integer(0) - static_cast<int64_t>(self.length()), 0);
  machine.charge_text(static_cast<size_t>(missing) + self.size());
  const bool has_sign = !self.empty() && (self.bytes()[0] == '-' || self.bytes()[0] == '+');
  Text out = self.slice(0, has_sign ? 1 : 0);
  out.append_template(std::string(static_cast<size_t>(missing), '0'));
  out.append(self, has_sign ? 1 : 0, std::string::npos);
  return Value(std::move(out));
}

Value expand_tabs(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("expandtabs", arguments, {"tabsize"});
  const int64_t size = std::clamp<int64_t>(bound.integer_or(0, 8), 0, 1 << 20);
  Text out;
  int64_t column = 0;
  for (size_t at = 0; at < self.size();) {
    const size_t length = self.character_size(at);
    const char c = self.bytes()[at];
    if (c == '\t') {
      const int64_t spaces = size == 0 ? 0 : size - column % size;
      machine.charge_text(out.size() / 1024 + static_cast<size_t>(spaces));
      out.append_marked(std::string(static_cast<size_t>(spaces), ' '), self.by_people_at(at));
      column += spaces;
    } else {
      out.append(self, at, length);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
    at += length;
  }
  machine.charge_text(out.size());
  return Value(std::move(out));
}

bool all_characters(const Text& self, const std::function<bool(char32_t)>& fits) {
  for (size_t at = 0; at < self.size();) {
    const size_t size = utf8_length(self.bytes(), at);
    if (size == 0 || !fits(utf8_code_point(self.bytes(), at, size))) return false;
    at += size;
  }
  return true;
}

// Python's isalpha and its like: every character has one of the classes, and there is one.
template <CharacterClass... classes>
Value is_all(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("method", arguments, {});
  machine.charge_text(self.size());
  return Value(!self.empty() &&
               all_characters(self, [](char32_t c) { return (has_class(c, classes) || ...); }));
}

// Nothing of the other case, and something of this one.
template <CharacterClass wanted, CharacterClass other>
Value is_case(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("method", arguments, {});
  machine.charge_text(self.size());
  bool found = false;
  const bool clean = all_characters(self, [&](char32_t c) {
    found = found || has_class(c, wanted);
    return !has_class(c, other) && !has_class(c, CharacterClass::kTitle);
  });
  return Value(clean && found);
}

Value is_space_method(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("isspace", arguments, {});
  machine.charge_text(self.size());
  return Value(!self.empty() && strip_left(self.bytes()).empty());
}

Value is_ascii(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("isascii", arguments, {});
  machine.charge_text(self.size());
  return Value(all_characters(self, [](char32_t c) { return c < 0x80; }));
}

Value is_printable(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("isprintable", arguments, {});
  machine.charge_text(self.size());
  return Value(all_characters(self, [](char32_t c) { return has_class(c, CharacterClass::kPrintable); }));
}

Value is_identifier(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("isidentifier", arguments, {});
  machine.charge_text(self.size());
  bool first = true;
  const bool fits = all_characters(self, [&](char32_t c) {
    const bool digit = has_class(c, CharacterClass::kDecimal) && !std::exchange(first, false);
    first = false;
    return c == '_' || has_class(c, CharacterClass::kLetter) || digit;
  });
  return Value(!self.empty() && fits);
}

Value is_title(Machine& machine, const Text& self, const Arguments& arguments) {
  const Bound bound("istitle", arguments, {});
  machine.charge_text(self.size());
  bool cased_before = false, found = false;
  const bool fits = all_characters(self, [&](char32_t c) {
    const bool upper = has_class(c, CharacterClass::kUpper) || has_class(c, CharacterClass::kTitle);
    const bool lower = has_class(c, CharacterClass::kLower);
    const bool wrong = (upper && cased_before) || (lower && !cased_before);
    cased_before = upper || lower;
    found = found || cased_before;
    return !wrong;
  });
  return Value(fits && found);
}

using C = CharacterClass;
constexpr std::pair<std::string_view, Method> kMethods[] = {
    {"capitalize", changed<capitalize_text>},
    {"casefold", changed<fold_text>},
    {"center", center},
    {"count", count},
    {"endswith", has_affix<true>},
    {"expandtabs", expand_tabs},
    {"find", find<false, false>},
    {"format", format},
    {"index", find<false, true>},
    {"isalnum", is_all<C::kLetter, C::kDecimal, C::kDigit, C::kNumeric>},
    {"isalpha", is_all<C::kLetter>},
    {"isascii", is_ascii},
    {"isdecimal", is_all<C::kDecimal>},
    {"isdigit", is_all<C::kDigit>},
    {"isidentifier", is_identifier},
    {"islower", is_case<C::kLower, C::kUpper>},
    {"isnumeric", is_all<C::kNumeric>},
    {"isprintable", is_printable},
    {"isspace", is_space_method},
    {"istitle", is_title},
    {"isupper", is_case<C::kUpper, C::kLower>},
    {"join", join},
    {"ljust", justify<true>},
    {"lower", changed<lower_text>},
    {"lstrip", strip<Side::kLeft>},
    {"partition", partition<false>},
    {"removeprefix", remove_affix<false>},
    {"removesuffix", remove_affix<true>},
    {"replace", replace},
    {"rfind", find<true, false>},
    {"rindex", find<true, true>},
    {"rjust", justify<false>},
    {"rpartition", partition<true>},
    {"rsplit", split<true>},
    {"rstrip", strip<Side::kRight>},
    {"split", split<false>},
    {"splitlines", split_lines_method},
    {"startswith", has_affix<false>},
    {"strip", strip<Side::kBoth>},
    {"swapcase", changed<swap_case_text>},
    {"title", changed<title_text>},
    {"upper", changed<upper_text>},
    {"zfill", zero_fill},
};

}  // namespace

std::optional<Value> text_method(const Value& object, std::string_view name) {
  for (const auto& [known, function] : kMethods) {
    if (known != name) continue;
    return make_callable(std::string(name),
                         [object, call = function](Machine& machine, const Arguments& arguments) {
                           machine.charge_text(object.text()->size());
                           return call(machine, *object.text(), arguments);
                         });
  }
  return std::nullopt;
}

}  // namespace yoke::jinja
