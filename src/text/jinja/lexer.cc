// Whitespace control happens here: "-" strips, "+" keeps, one newline after a block goes (trim_blocks), and
// so does what stands before a block alone on its line (lstrip_blocks).
#include "text/jinja/lexer.h"

#include <array>
#include <cctype>

#include "text/jinja/failure.h"
#include "text/jinja/unicode.h"
#include "text/utf8.h"

namespace yoke::jinja {
namespace {

using Kind = Token::Kind;

constexpr size_t kMaxTemplateBytes = 4u << 20;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "\r\n" and "\r" become "\n"; a newline at the very end is dropped.
std::string normalized(std::string_view source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out.push_back(source[i]);
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}
  std::vector<Token> run();

 private:
  [[noreturn]] void fail_here(const std::string& what) const {
    throw Failure("line " + std::to_string(line_) + ": " + what);
  }
  bool at(std::string_view what, size_t offset = 0) const {
    return std::string_view(source_).substr(position_ + offset, what.size()) == what;
  }
  void advance_to(size_t end);
  void skip_spaces();
  void add(Kind kind, std::string text = {}) { tokens_.push_back({kind, std::move(text), line_}); }
  void add_text(size_t end, char sign, bool may_lstrip);
  size_t skip_raw_tag(std::string_view word, size_t begin, char& sign, bool& strip_after, bool& trim) const;
  void comment();
  bool raw();
  void inside(bool block);
  bool end_of_tag(bool block);
  void word();
  void number();
  void string();
  void sign();

  std::string source_;
  size_t position_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::string open_;  // brackets that are not closed yet
  std::vector<Token> tokens_;
};

void Lexer::advance_to(size_t end) {
  for (; position_ < end; ++position_) line_ += source_[position_] == '\n';
}

void Lexer::skip_spaces() {
  size_t end = position_;
  while (const size_t size = space_size(source_, end)) end += size;
  advance_to(end);
}

// Text up to `end`, where a tag with this sign ("-", "+" or none) begins.
void Lexer::add_text(size_t end, char sign, bool may_lstrip) {
  std::string_view text = std::string_view(source_).substr(position_, end - position_);
  if (sign == '-') {
    text = strip_right(text);
  } else if (sign != '+' && may_lstrip) {
    const size_t newline = text.rfind('\n');
    const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    if ((begin > 0 || line_starting_) && strip_right(text.substr(begin)).empty())
      text = text.substr(0, begin);
  }
  if (!text.empty()) add(Kind::kText, std::string(text));
  advance_to(end);
}

std::vector<Token> Lexer::run() {
  while (position_ < source_.size()) {
    size_t tag = position_;
    const auto opens = [&](size_t i) {
      return source_[i] == '{' && i + 1 < source_.size() &&
             (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#');
    };
    while (tag < source_.size() && !opens(tag)) ++tag;
    if (tag == source_.size()) {
      add(Kind::kText, source_.substr(position_));
      break;
    }
    const char kind = source_[tag + 1];
    const char next = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const char sign = next == '-' || next == '+' ? next : '\0';
    add_text(tag, sign, kind != '{');
    if (kind == '%' && raw()) continue;
    advance_to(position_ + (sign == '\0' ? 2 : 3));
    if (kind == '#') {
      comment();
    } else {
      add(kind == '{' ? Kind::kOutputBegin : Kind::kBlockBegin);
      inside(kind == '%');
    }
  }
  add(Kind::kEnd);
  return std::move(tokens_);
}

void Lexer::comment() {
  const size_t end = source_.find("#}", position_);
  if (end == std::string::npos) fail_here("a comment is not closed");
  const char sign = end > position_ ? source_[end - 1] : '\0';
  advance_to(end + 2);
  if (sign == '-') {
    skip_spaces();
    line_starting_ = source_[position_ - 1] == '\n';
  } else if (sign != '+' && at("\n")) {
    advance_to(position_ + 1);
    line_starting_ = true;
  } else {
    line_starting_ = false;
  }
}

// "{%- word -%}" at begin: where it ends, or 0.
size_t Lexer::skip_raw_tag(std::string_view word, size_t begin, char& sign, bool& strip_after,
                           bool& trim) const {
  const std::string_view source = source_;
  if (source.substr(begin, 2) != "{%") return 0;
  size_t i = begin + 2;
  sign = i < source.size() && (source[i] == '-' || source[i] == '+') ? source[i] : '\0';
  if (sign != '\0') ++i;
  const auto spaces = [&] {
    while (const size_t size = space_size(source, i)) i += size;
  };
  spaces();
  if (source.substr(i, word.size()) != word) return 0;
  i += word.size();
  spaces();
  const char end_sign = i < source.size() && (source[i] == '-' || source[i] == '+') ? source[i] : '\0';
  if (end_sign != '\0') ++i;
  if (source.substr(i, 2) != "%}") return 0;
  i += 2;
  strip_after = end_sign == '-';
  trim = end_sign == '\0';
  if (strip_after) spaces();
  return i;
}

bool Lexer::raw() {
  char sign = '\0';
  bool strip = false, trim = false;
  size_t body = skip_raw_tag("raw", position_, sign, strip, trim);
  if (body == 0) return false;
  advance_to(body);
  line_starting_ = source_[body - 1] == '\n';
  for (size_t i = body; i < source_.size(); ++i) {
    const size_t after = source_[i] == '{' ? skip_raw_tag("endraw", i, sign, strip, trim) : 0;
    if (after == 0) continue;
    add_text(i, sign, true);
    advance_to(after);
    if (trim && at("\n")) advance_to(position_ + 1);
    line_starting_ = source_[position_ - 1] == '\n';
    return true;
  }
  fail_here("a raw block is not closed");
}

// Takes the end of the tag, where there is one.
bool Lexer::end_of_tag(bool block) {
  const std::string_view end = block ? "%}" : "}}";
  const bool strip = at("-") && at(end, 1);
  const bool keep = block && at("+") && at(end, 1);
  if (!strip && !keep && !at(end)) return false;
  add(block ? Kind::kBlockEnd : Kind::kOutputEnd);
  advance_to(position_ + (strip || keep ? 3 : 2));
  if (strip) {
    skip_spaces();
  } else if (block && !keep && at("\n")) {
    advance_to(position_ + 1);
  }
  line_starting_ = source_[position_ - 1] == '\n';
  return true;
}

void Lexer::inside(bool block) {
  while (true) {
    // Inside brackets "}}" closes two of them.
    if (open_.empty() && end_of_tag(block)) return;
    skip_spaces();
    if (position_ >= source_.size()) fail_here(std::string("a tag is not closed"));
    if (open_.empty() && end_of_tag(block)) return;
    const char c = source_[position_];
    if (is_digit(c)) {
      number();
    } else if (is_word_character(source_, position_)) {
      word();
    } else if (c == '\'' || c == '"') {
      string();
    } else {
      sign();
    }
  }
}

void Lexer::word() {
  size_t end = position_;
  while (end < source_.size() && is_word_character(source_, end)) {
    end += std::max<size_t>(utf8_length(source_, end), 1);
  }
  add(Kind::kName, source_.substr(position_, end - position_));
  advance_to(end);
}

// 12, 1_000, 0x1F, 0b1, 0o7, 1.5, 1e-3
void Lexer::number() {
  const std::string_view s = source_;
  size_t i = position_;
  std::string text;
  const auto digits = [&](auto&& accepts) {
    while (i < s.size() && (accepts(s[i]) || (s[i] == '_' && i + 1 < s.size() && accepts(s[i + 1])))) {
      if (s[i] != '_') text.push_back(s[i]);
      ++i;
    }
  };
  const char base = s[i] == '0' && i + 1 < s.size() ? static_cast<char>(std::tolower(s[i + 1])) : '\0';
  if (base == 'x' || base == 'b' || base == 'o') {
    text = {'0', base};
    i += 2;
    digits([&](char c) {
      if (base == 'x') return std::isxdigit(static_cast<unsigned char>(c)) != 0;
      return c >= '0' && c <= (base == 'b' ? '1' : '7');
    });
    if (text.size() == 2) fail_here("a number without digits");
    add(Kind::kInteger, text);
    advance_to(i);
    return;
  }
  bool real = false;
  digits(is_digit);
  // After a dot, "a.0.5" is an item of an item.
  const bool after_dot = position_ > 0 && s[position_ - 1] == '.';
  if (!after_dot && i + 1 < s.size() && s[i] == '.' && is_digit(s[i + 1])) {
    real = true;
    text.push_back(s[i++]);
    digits(is_digit);
  }
  if (!after_dot && i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
    size_t exponent = i + 1;
    if (exponent < s.size() && (s[exponent] == '+' || s[exponent] == '-')) ++exponent;
    if (exponent < s.size() && is_digit(s[exponent])) {
      real = true;
      text.append(s, i, exponent - i);
      i = exponent;
      digits(is_digit);
    }
  }
  add(real ? Kind::kFloat : Kind::kInteger, text);
  advance_to(i);
}

void append_code_point(std::string& out, char32_t c) {
  append_utf8(out, c);
}

void Lexer::string() {
  const char quote = source_[position_];
  size_t i = position_ + 1;
  std::string text;
  const auto code = [&](size_t digits, char32_t radix) {
    char32_t value = 0;
    size_t n = 0;
    for (; n < digits && i < source_.size(); ++n, ++i) {
      const auto c = static_cast<unsigned char>(source_[i]);
      const bool valid = radix == 16 ? std::isxdigit(c) != 0 : c >= '0' && c <= '7';
      if (!valid) break;
      value =
          value * radix + static_cast<char32_t>(is_digit(source_[i]) ? c - '0' : std::tolower(c) - 'a' + 10);
    }
    if (radix == 16 && n < digits) fail_here("an escape in a string is too short");
    if (value > 0x10FFFF) fail_here("an escape in a string is no character");
    append_code_point(text, value);
  };
  while (true) {
    if (i >= source_.size()) fail_here("a string is not closed");
    const char c = source_[i++];
    if (c == quote) break;
    if (c != '\\') {
      text.push_back(c);
      continue;
    }
    if (i >= source_.size()) fail_here("a string is not closed");
    const char escape = source_[i++];
    constexpr std::string_view names = "abfnrtv\\'\"", values = "\a\b\f\n\r\t\v\\'\"";
    if (const size_t known = names.find(escape); known != std::string_view::npos) {
      text.push_back(values[known]);
    } else if (escape == 'x') {
      code(2, 16);
    } else if (escape == 'u') {
      code(4, 16);
    } else if (escape == 'U') {
      code(8, 16);
    } else if (escape >= '0' && escape <= '7') {
      --i;
      code(3, 8);
    } else if (escape == 'N') {
      fail_here("characters by name (\\N) are not supported");
    } else if (escape != '\n') {  // a backslash before a newline joins the lines
      text.push_back('\\');
      text.push_back(escape);
    }
  }
  add(Kind::kString, text);
  advance_to(i);
}

void Lexer::sign() {
  constexpr std::array<std::string_view, 7> doubles = {"//", "**", "==", "!=", ">=", "<=", ""};
  for (const std::string_view two : doubles) {
    if (!two.empty() && at(two)) {
      add(Kind::kSign, std::string(two));
      advance_to(position_ + 2);
      return;
    }
  }
  const char c = source_[position_];
  constexpr std::string_view singles = "+-/*%~[](){}><=.:|,;";
  if (singles.find(c) == std::string_view::npos) fail_here(std::string("unexpected character '") + c + "'");
  if (c == '(' || c == '[' || c == '{') {
    open_.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
  } else if (c == ')' || c == ']' || c == '}') {
    if (open_.empty() || open_.back() != c) fail_here(std::string("unexpected '") + c + "'");
    open_.pop_back();
  }
  add(Kind::kSign, std::string(1, c));
  advance_to(position_ + 1);
}

}  // namespace

std::vector<Token> tokenize_template(std::string_view source) {
  if (source.size() > kMaxTemplateBytes) throw Failure("the template is longer than 4 MiB");
  return Lexer(normalized(source)).run();
}

}  // namespace yoke::jinja
