// Works on bytes; the characters' borders are only looked at where they matter.
#include "text/jinja/text_operations.h"

#include <algorithm>
#include <functional>

#include "text/jinja/failure.h"
#include "text/utf8.h"

namespace yoke::jinja {
namespace {

struct Character {
  size_t begin, size;
  bool valid;
  char32_t code;
};

Character character_at(const Text& text, size_t at) {
  const size_t size = text.character_size(at);
  const bool valid = utf8_length(text.bytes(), at) != 0;
  return {at, size, valid, valid ? utf8_code_point(text.bytes(), at, size) : 0};
}

void append_changed(Text& out, const Text& text, const Character& c, Case to) {
  if (!c.valid) {
    out.append(text, c.begin, c.size);
    return;
  }
  std::string bytes;
  for (const char32_t code : change_case(c.code, to)) append_utf8(bytes, code);
  out.append_marked(bytes, text.by_people_at(c.begin));
}

Text map_characters(const Text& text, const std::function<Case(const Character&)>& choose) {
  Text out;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    append_changed(out, text, c, choose(c));
    at += c.size;
  }
  return out;
}

constexpr char32_t kSigma = 0x3A3;

// True where the capital sigma at `at` has a letter after it, characters like "'" aside.
bool letter_follows(const Text& text, size_t at) {
  for (size_t next = at + text.character_size(at); next < text.size();) {
    const Character after = character_at(text, next);
    if (!after.valid || !is_case_ignorable(after.code)) return after.valid && is_cased(after.code);
    next += after.size;
  }
  return false;
}

void append_lower_sigma(Text& out, const Text& text, size_t at, bool letter_before) {
  const bool is_final = letter_before && !letter_follows(text, at);
  out.append_marked(is_final ? "\xCF\x82" : "\xCF\x83", text.by_people_at(at));
}

// Characters before `begin` are not taken over, but count as standing before what is.
Text lower_from(const Text& text, size_t begin, Text out) {
  bool letter_before = false;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (at >= begin && c.valid && c.code == kSigma) {
      append_lower_sigma(out, text, at, letter_before);
    } else if (at >= begin) {
      append_changed(out, text, c, Case::kLower);
    }
    if (!c.valid || !is_case_ignorable(c.code)) letter_before = c.valid && is_cased(c.code);
    at += c.size;
  }
  return out;
}

bool is_in(const Text& set, std::string_view character) {
  for (size_t at = 0; at < set.size(); at += set.character_size(at)) {
    if (std::string_view(set.bytes()).substr(at, set.character_size(at)) == character) return true;
  }
  return false;
}

void require_separator(const Text& separator) {
  if (separator.empty()) throw Failure("split(): empty separator");
}

std::vector<Value> reversed(std::vector<Value> parts) {
  std::reverse(parts.begin(), parts.end());
  return parts;
}

}  // namespace

Text upper_text(const Text& text) {
  return map_characters(text, [](const Character&) { return Case::kUpper; });
}
Text lower_text(const Text& text) {
  return lower_from(text, 0, Text());
}
Text fold_text(const Text& text) {
  return map_characters(text, [](const Character&) { return Case::kFold; });
}

Text capitalize_text(const Text& text) {
  if (text.empty()) return text;
  const Character first = character_at(text, 0);
  Text out;
  append_changed(out, text, first, Case::kTitle);
  return lower_from(text, first.size, std::move(out));
}

Text title_text(const Text& text) {
  bool cased_before = false, letter_before = false;
  Text out;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.valid && cased_before && c.code == kSigma) {
      append_lower_sigma(out, text, at, letter_before);
    } else {
      append_changed(out, text, c, cased_before ? Case::kLower : Case::kTitle);
    }
    cased_before = c.valid && is_cased(c.code);
    if (!c.valid || !is_case_ignorable(c.code)) letter_before = cased_before;
    at += c.size;
  }
  return out;
}

Text swap_case_text(const Text& text) {
  bool letter_before = false;
  Text out;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (c.valid && c.code == kSigma) {
      append_lower_sigma(out, text, at, letter_before);
    } else {
      const bool upper = c.valid && has_class(c.code, CharacterClass::kUpper);
      const bool lower = c.valid && has_class(c.code, CharacterClass::kLower);
      if (upper || lower) {
        append_changed(out, text, c, upper ? Case::kLower : Case::kUpper);
      } else {
        out.append(text, at, c.size);
      }
    }
    if (!c.valid || !is_case_ignorable(c.code)) letter_before = c.valid && is_cased(c.code);
    at += c.size;
  }
  return out;
}

Text strip_text(const Text& text, Side side, const Text* set) {
  std::string_view kept = text.bytes();
  if (set == nullptr) {
    if (side != Side::kRight) kept = strip_left(kept);
    const auto begin = static_cast<size_t>(kept.data() - text.bytes().data());
    if (side != Side::kLeft) kept = strip_right(kept);
    return text.slice(begin, kept.size());
  }
  const std::vector<size_t> offsets = text.character_offsets();
  size_t first = 0, last = offsets.size() - 1;
  const auto strippable = [&](size_t i) {
    return is_in(*set, kept.substr(offsets[i], offsets[i + 1] - offsets[i]));
  };
  if (side != Side::kRight) {
    while (first < last && strippable(first)) ++first;
  }
  if (side != Side::kLeft) {
    while (last > first && strippable(last - 1)) --last;
  }
  return text.slice(offsets[first], offsets[last] - offsets[first]);
}

Text replace_text(Machine& machine, const Text& text, const Text& from, const Text& to, int64_t count) {
  Text out;
  size_t at = 0;
  if (from.empty()) {  // between all characters and at both ends
    for (; count != 0; --count) {
      out.append(to);
      machine.charge(1 + to.size() / 8);
      if (at >= text.size()) break;
      const size_t size = text.character_size(at);
      out.append(text, at, size);
      at += size;
    }
  } else {
    for (; count != 0; --count) {
      const size_t found = text.bytes().find(from.bytes(), at);
      if (found == std::string::npos) break;
      out.append(text, at, found - at);
      out.append(to);
      at = found + from.size();
      machine.charge(1 + to.size() / 8);
    }
  }
  out.append(text, at, std::string::npos);
  machine.charge_text(out.size());
  return out;
}

std::vector<Value> split_text(Machine& machine, const Text& text, const Text* separator, int64_t most) {
  std::vector<Value> parts;
  const auto add = [&](size_t begin, size_t end) {
    machine.charge(16);
    parts.push_back(Value(text.slice(begin, end - begin)));
  };
  machine.charge_text(text.size());
  const std::string_view bytes = text.bytes();
  size_t at = 0;
  if (separator != nullptr) {
    require_separator(*separator);
    for (; most != 0; --most) {
      const size_t found = bytes.find(separator->bytes(), at);
      if (found == std::string_view::npos) break;
      add(at, found);
      at = found + separator->size();
    }
    add(at, bytes.size());
    return parts;
  }
  while (true) {
    at = bytes.size() - strip_left(bytes.substr(at)).size();
    if (at >= bytes.size()) return parts;
    if (most-- == 0) {  // the rest keeps its spaces
      add(at, bytes.size());
      return parts;
    }
    size_t end = at;
    while (end < bytes.size() && space_size(bytes, end) == 0) end += text.character_size(end);
    add(at, end);
    at = end;
  }
}

std::vector<Value> split_text_from_right(Machine& machine, const Text& text, const Text* separator,
                                         int64_t most) {
  if (most < 0) return split_text(machine, text, separator, -1);
  std::vector<Value> parts;
  const auto add = [&](size_t begin, size_t end) {
    machine.charge(16);
    parts.push_back(Value(text.slice(begin, end - begin)));
  };
  machine.charge_text(text.size());
  const std::string_view bytes = text.bytes();
  size_t end = bytes.size();
  if (separator != nullptr) {
    require_separator(*separator);
    for (; most != 0 && end >= separator->size(); --most) {
      const size_t found = bytes.rfind(separator->bytes(), end - separator->size());
      if (found == std::string_view::npos) break;
      add(found + separator->size(), end);
      end = found;
    }
    add(0, end);
    return reversed(std::move(parts));
  }
  while (true) {
    end = strip_right(bytes.substr(0, end)).size();
    if (end == 0) break;
    if (most-- == 0) {
      add(0, end);
      break;
    }
    size_t begin = end;
    while (begin > 0) {
      size_t previous = begin - 1;
      while (previous > 0 && begin - previous < 4 && (static_cast<uint8_t>(bytes[previous]) & 0xC0) == 0x80) {
        --previous;
      }
      if (space_size(bytes, previous) == begin - previous) break;
      // A stray continuation byte counts alone.
      begin = text.character_size(previous) == begin - previous ? previous : begin - 1;
    }
    add(begin, end);
    end = begin;
  }
  return reversed(std::move(parts));
}

std::vector<Text> split_lines(Machine& machine, const Text& text, bool keep_ends) {
  machine.charge_text(text.size());
  std::vector<Text> lines;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    const bool breaks =
        c.valid && ((c.code >= 0x0A && c.code <= 0x0D) || (c.code >= 0x1C && c.code <= 0x1E) ||
                    c.code == 0x85 || c.code == 0x2028 || c.code == 0x2029);
    size_t next = at + c.size;
    if (!breaks) {
      at = next;
      continue;
    }
    if (c.code == '\r' && next < text.size() && text.bytes()[next] == '\n') ++next;
    machine.charge(16);
    lines.push_back(text.slice(begin, (keep_ends ? next : at) - begin));
    begin = at = next;
  }
  if (begin < text.size()) lines.push_back(text.slice(begin));
  return lines;
}

Text center_text(Machine& machine, const Text& text, int64_t width, const Text& fill) {
  const auto length = static_cast<int64_t>(text.length());
  if (width <= length) return text;
  const int64_t missing = width - length;
  machine.charge_text(static_cast<size_t>(missing) + text.size());
  // Python puts the odd one left where the width is odd.
  const int64_t left = missing / 2 + (missing & width & 1);
  Text out;
  for (int64_t i = 0; i < left; ++i) out.append(fill);
  out.append(text);
  for (int64_t i = left; i < missing; ++i) out.append(fill);
  return out;
}

Text join_texts(Machine& machine, const Text& separator, const std::vector<Text>& parts) {
  size_t total = 0;
  for (const Text& part : parts) total += part.size() + separator.size();
  machine.charge_text(total);
  Text out;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) out.append(separator);
    out.append(parts[i]);
  }
  return out;
}

}  // namespace yoke::jinja
