// Filters on strings; other values are printed first.
#include <algorithm>
#include <cctype>

#include "text/jinja/arguments.h"
#include "text/jinja/failure.h"
#include "text/jinja/filters.h"
#include "text/jinja/format.h"
#include "text/jinja/operations.h"
#include "text/jinja/text_operations.h"

namespace yoke::jinja {
namespace {

template <Text (*change)(const Text&)>
Value changed(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("filter", arguments, {});
  const Text text = to_text(machine, input);
  machine.charge_text(4 * text.size());
  return Value(change(text));
}

// Words begin at the start and after spaces, "-" and opening brackets only.
Text title_words(const Text& text) {
  constexpr std::string_view openers = "-({[<";
  Text out;
  for (size_t at = 0; at < text.size();) {
    const auto is_border = [&](size_t i) {
      return openers.find(text.bytes()[i]) != std::string_view::npos || space_size(text.bytes(), i) != 0;
    };
    if (is_border(at)) {
      const size_t size = text.character_size(at);
      out.append(text, at, size);
      at += size;
      continue;
    }
    size_t end = at;
    while (end < text.size() && !is_border(end)) end += text.character_size(end);
    const size_t first = text.character_size(at);
    out.append(upper_text(text.slice(at, first)));
    out.append(lower_text(text.slice(at + first, end - at - first)));
    at = end;
  }
  return out;
}

Value trim(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("trim", arguments, {"chars"});
  const Text text = to_text(machine, input);
  machine.charge_text(text.size());
  return Value(strip_text(text, Side::kBoth, bound.is_absent(0) ? nullptr : &bound.text(0)));
}

Value replace(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("replace", arguments, {"old", "new", "count"}, 2);
  const int64_t count = bound.is_absent(2) ? -1 : bound.integer(2);
  return Value(replace_text(machine, to_text(machine, input), to_text(machine, bound[0]),
                            to_text(machine, bound[1]), count));
}

Value string(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("string", arguments, {});
  return Value(to_text(machine, input));
}

Value center(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("center", arguments, {"width"});
  return Value(
      center_text(machine, to_text(machine, input), bound.integer_or(0, 80), Text::by_template(" ")));
}

Value format(Machine& machine, const Value& input, const Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    throw Failure("format: positional and named arguments at the same time");
  }
  if (arguments.named.empty()) {
    return Value(format_percent(machine, to_text(machine, input), make_tuple(arguments.positional)));
  }
  Dict named;
  for (const auto& [name, value] : arguments.named) named.set(template_text(name), value);
  return Value(format_percent(machine, to_text(machine, input), Value(std::move(named))));
}

Value indent(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("indent", arguments, {"width", "first", "blank"});
  if (input.text() == nullptr) {
    require_defined(input);
    throw Failure("indent: a string is needed, not " + type_name(input));
  }
  Text indention;
  if (bound.has(0) && bound[0].text() != nullptr) {
    indention = *bound[0].text();
  } else {
    const int64_t width = std::max<int64_t>(bound.integer_or(0, 4), 0);
    machine.charge_text(static_cast<size_t>(width));
    indention.append_template(std::string(static_cast<size_t>(width), ' '));
  }
  Text text = *input.text();
  text.append_template("\n");
  const bool blank = bound.flag_or(2, false);
  Text out;
  if (bound.flag_or(1, false)) out.append(indention);
  bool first = true;
  for (const Text& line : split_lines(machine, text, false)) {
    machine.charge(1 + indention.size() / 8);
    if (!std::exchange(first, false)) {
      out.append_template("\n");
      if (blank || !line.empty()) out.append(indention);
    }
    out.append(line);
  }
  machine.charge_text(out.size());
  return Value(std::move(out));
}

Value truncate(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("truncate", arguments, {"length", "killwords", "end", "leeway"});
  const int64_t length = bound.integer_or(0, 255);
  const Text end = bound.has(2) ? bound.text(2) : Text::by_template("...");
  const int64_t leeway = bound.is_absent(3) ? 5 : bound.integer(3);
  const auto end_length = static_cast<int64_t>(end.length());
  if (length < end_length || leeway < 0) throw Failure("truncate: the length is less than that of the end");
  const auto whole = length_of(input);
  if (!whole) throw Failure("object of type '" + type_name(input) + "' has no len()");
  if (static_cast<int64_t>(*whole) - leeway <= length) return input;
  if (input.text() == nullptr) throw Failure("truncate: a string is needed, not " + type_name(input));
  const Text& text = *input.text();
  machine.charge_text(text.size());
  const std::vector<size_t> offsets = text.character_offsets();
  Text out = text.slice(0, offsets[static_cast<size_t>(length - end_length)]);
  if (!bound.flag_or(1, false)) {
    const size_t space = out.bytes().rfind(' ');
    if (space != std::string::npos) out = out.slice(0, space);
  }
  out.append(end);
  return Value(std::move(out));
}

Value word_count(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("wordcount", arguments, {});
  const Text text = to_text(machine, input);
  machine.charge_text(4 * text.size());
  int64_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < text.size(); at += text.character_size(at)) {
    const bool word = is_word_character(text.bytes(), at);
    words += word && !inside;
    inside = word;
  }
  return Value(words);
}

Value escape(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("escape", arguments, {});
  const Text text = to_text(machine, input);
  Text out;
  for (size_t at = 0; at < text.size(); ++at) {
    constexpr std::string_view special = "&<>\"'";
    constexpr std::string_view entities[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    const size_t found = special.find(text.bytes()[at]);
    if (found == std::string_view::npos) {
      out.append(text, at, 1);
    } else {
      out.append_marked(entities[found], text.by_people_at(at));
    }
  }
  machine.charge_text(out.size());
  return Value(std::move(out));
}

void append_quoted(Text& out, const Text& text, bool for_query) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text.bytes()[at];
    const auto byte = static_cast<uint8_t>(c);
    const bool plain = (byte < 0x80 && std::isalnum(byte)) || c == '_' || c == '.' || c == '-' || c == '~' ||
                       (c == '/' && !for_query);
    if (plain) {
      out.append(text, at, 1);
    } else if (c == ' ' && for_query) {
      out.append_marked("+", text.by_people_at(at));
    } else {
      out.append_marked({std::string({'%', digits[byte >> 4], digits[byte & 15]})}, text.by_people_at(at));
    }
  }
}

// A string for a path; a mapping or pairs for a query.
Value url_encode(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("urlencode", arguments, {});
  Text out;
  if (input.dict() == nullptr && input.sequence() == nullptr && input.iterator() == nullptr) {
    append_quoted(out, to_text(machine, input), false);
  } else {
    std::vector<std::pair<Value, Value>> pairs;
    if (const Dict* dict = input.dict()) {
      pairs = dict->items;
    } else {
      for (const Value& pair : iterate(machine, input)) {
        const std::vector<Value> parts = iterate(machine, pair);
        if (parts.size() != 2) throw Failure("urlencode: pairs are needed");
        pairs.emplace_back(parts[0], parts[1]);
      }
    }
    for (const auto& [key, value] : pairs) {
      if (!out.empty()) out.append_template("&");
      append_quoted(out, to_text(machine, key), true);
      out.append_template("=");
      append_quoted(out, to_text(machine, value), true);
      machine.charge_text(out.size());
    }
  }
  machine.charge_text(out.size());
  return Value(std::move(out));
}

constexpr NamedFilter kFilters[] = {
    {"capitalize", changed<capitalize_text>},
    {"center", center},
    {"e", escape},
    {"escape", escape},
    {"forceescape", escape},
    {"format", format},
    {"indent", indent},
    {"lower", changed<lower_text>},
    {"replace", replace},
    {"safe", string},
    {"string", string},
    {"title", changed<title_words>},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", changed<upper_text>},
    {"urlencode", url_encode},
    {"wordcount", word_count},
};

}  // namespace

std::span<const NamedFilter> text_filters() {
  return kFilters;
}

}  // namespace yoke::jinja
