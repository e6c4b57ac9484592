// Lookups in the generated tables; ASCII by hand.
#include "text/jinja/unicode.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "text/utf8.h"

namespace yoke::jinja {
namespace {

struct CaseRun {
  char32_t first, last;
  int step, delta;
};
struct CaseSpecial {
  char32_t from;
  char32_t to[3];  // 0: no further one
};
struct ClassRange {
  char32_t first, last;
};

#include "text/jinja/unicode_tables.inc"

struct CaseTable {
  std::span<const CaseRun> runs;
  std::span<const CaseSpecial> specials;
};

CaseTable case_table(Case to) {
  switch (to) {
    case Case::kUpper:
      return {kUpperRuns, kUpperSpecials};
    case Case::kLower:
      return {kLowerRuns, kLowerSpecials};
    case Case::kTitle:
      return {kTitleRuns, kTitleSpecials};
    case Case::kFold:
      return {kFoldRuns, kFoldSpecials};
  }
  return {};
}

bool in_ranges(std::span<const ClassRange> ranges, char32_t c) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), c,
                                      [](char32_t value, const ClassRange& r) { return value < r.first; });
  return after != ranges.begin() && c <= std::prev(after)->last;
}

bool ascii_has_class(char32_t c, CharacterClass wanted) {
  const bool upper = c >= 'A' && c <= 'Z';
  const bool lower = c >= 'a' && c <= 'z';
  switch (wanted) {
    case CharacterClass::kLetter:
      return upper || lower;
    case CharacterClass::kDecimal:
    case CharacterClass::kDigit:
    case CharacterClass::kNumeric:
      return c >= '0' && c <= '9';
    case CharacterClass::kUpper:
      return upper;
    case CharacterClass::kLower:
      return lower;
    case CharacterClass::kTitle:
      return false;
    case CharacterClass::kPrintable:
      return c >= 0x20 && c < 0x7F;
  }
  return false;
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

}  // namespace

size_t space_size(std::string_view text, size_t at) {
  if (at >= text.size()) return 0;
  const size_t length = utf8_length(text, at);
  return length != 0 && is_space(utf8_code_point(text, at, length)) ? length : 0;
}

std::string_view strip_left(std::string_view text) {
  size_t begin = 0;
  while (const size_t size = space_size(text, begin)) begin += size;
  return text.substr(begin);
}

std::string_view strip_right(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && end - begin < 4 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
    if (space_size(text.substr(0, end), begin) != end - begin) break;
    end = begin;
  }
  return text.substr(0, end);
}

bool is_word_character(std::string_view text, size_t at) {
  const size_t length = utf8_length(text, at);
  if (length == 0) return false;
  const char32_t c = utf8_code_point(text, at, length);
  return c == '_' || has_class(c, CharacterClass::kLetter) || has_class(c, CharacterClass::kDecimal);
}

bool has_class(char32_t c, CharacterClass wanted) {
  if (c < 0x80) return ascii_has_class(c, wanted);
  switch (wanted) {
    case CharacterClass::kLetter:
      return in_ranges(kLetter, c);
    case CharacterClass::kDecimal:
      return in_ranges(kDecimal, c);
    case CharacterClass::kDigit:
      return in_ranges(kDigit, c);
    case CharacterClass::kNumeric:
      return in_ranges(kNumeric, c);
    case CharacterClass::kUpper:
      return in_ranges(kUpperClass, c);
    case CharacterClass::kLower:
      return in_ranges(kLowerClass, c);
    case CharacterClass::kTitle:
      return in_ranges(kTitleClass, c);
    case CharacterClass::kPrintable:
      return in_ranges(kPrintable, c);
  }
  return false;
}

std::u32string change_case(char32_t c, Case to) {
  if (c < 0x80) {
    const bool raise = to == Case::kUpper || to == Case::kTitle;
    if (raise && c >= 'a' && c <= 'z') return {c - 'a' + 'A'};
    if (!raise && c >= 'A' && c <= 'Z') return {c - 'A' + 'a'};
    return {c};
  }
  const CaseTable table = case_table(to);
  const auto special = std::lower_bound(table.specials.begin(), table.specials.end(), c,
                                        [](const CaseSpecial& s, char32_t value) { return s.from < value; });
  if (special != table.specials.end() && special->from == c) {
    std::u32string out;
    for (const char32_t part : special->to) {
      if (part != 0) out.push_back(part);
    }
    return out;
  }
  const auto after = std::upper_bound(table.runs.begin(), table.runs.end(), c,
                                      [](char32_t value, const CaseRun& r) { return value < r.first; });
  if (after == table.runs.begin()) return {c};
  const CaseRun& run = *std::prev(after);
  if (c > run.last || (c - run.first) % static_cast<char32_t>(run.step) != 0) return {c};
  return {static_cast<char32_t>(static_cast<int64_t>(c) + run.delta)};
}

bool is_case_ignorable(char32_t c) {
  if (c < 0x80) return c == '\'' || c == '.' || c == ':' || c == '^' || c == '`';
  return in_ranges(kCaseIgnorable, c);
}

bool is_cased(char32_t c) {
  if (c < 0x80) return ascii_has_class(c, CharacterClass::kLetter);
  return in_ranges(kCased, c);
}

}  // namespace yoke::jinja
