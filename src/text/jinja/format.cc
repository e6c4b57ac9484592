// One description of a field serves both: "%-5.2f" and "{:<5.2f}".
#include "text/jinja/format.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "text/jinja/failure.h"
#include "text/jinja/operations.h"
#include "text/jinja/unicode.h"
#include "text/utf8.h"

namespace yoke::jinja {
namespace {

constexpr int64_t kMaxWidth = 1 << 20;
constexpr int64_t kMaxPrecision = 100;  // beyond it only zeros or noise follow

struct Field {
  Text fill = Text::by_template(" ");
  char align = '\0';  // '<', '>', '^', '=' (after the sign)
  char sign = '-';    // '-', '+' or ' '
  bool alternate = false;
  char grouping = '\0';
  int64_t width = 0;
  std::optional<int64_t> precision;
  char type = '\0';
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int64_t read_number(std::string_view text, size_t& at, int64_t limit) {
  int64_t value = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    value = value * 10 + (text[at] - '0');
    if (value > limit) throw Failure("a format's width or precision is too large");
  }
  return value;
}

std::string grouped(const std::string& digits, char separator) {
  if (separator == '\0') return digits;
  const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
  std::string out;
  for (size_t i = 0; i < whole; ++i) {
    if (i != 0 && (whole - i) % 3 == 0) out.push_back(separator);
    out.push_back(digits[i]);
  }
  return out + digits.substr(whole);
}

std::string integer_digits(uint64_t value, char type) {
  const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
  char buffer[72];
  std::string digits(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value, base).ptr);
  if (type == 'X') {
    for (char& c : digits) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return digits;
}

// The shape of "%g": scientific where the exponent is below -4 or not below the precision.
std::string general_digits(double value, int64_t precision, bool keep_zeros) {
  char buffer[512];
  const auto digits = static_cast<int>(std::max<int64_t>(precision, 1));
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific, digits - 1);
  const std::string scientific(buffer, end.ptr);
  const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
  const bool fixed = exponent >= -4 && exponent < digits;
  if (fixed) {
    end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed,
                        digits - 1 - exponent);
  }
  std::string out = fixed ? std::string(buffer, end.ptr) : scientific;
  const size_t tail = fixed ? out.size() : out.find('e');
  if (!keep_zeros && out.find('.') != std::string::npos) {
    size_t last = tail;
    while (out[last - 1] == '0') --last;
    if (out[last - 1] == '.') --last;
    out.erase(last, tail - last);
  }
  return out;
}

// Of a value that is not negative.
std::string float_digits(double value, const Field& field) {
  if (!std::isfinite(value)) {
    const bool upper = field.type == 'F' || field.type == 'E' || field.type == 'G';
    return std::isnan(value) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
  }
  if (field.type == '\0' && !field.precision) return float_repr(value);
  char buffer[512];
  const auto precision = static_cast<int>(field.precision.value_or(6));
  std::string out;
  switch (field.type) {
    case 'f':
    case 'F':
      out.assign(
          buffer,
          std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed, precision).ptr);
      break;
    case '%':
      out.assign(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value * 100, std::chars_format::fixed,
                                       precision)
                             .ptr);
      out += "%";
      break;
    case 'e':
    case 'E':
      out.assign(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific,
                                       precision)
                             .ptr);
      break;
    default:
      out = general_digits(value, precision, field.alternate);
      if (field.type == '\0' && out.find_first_of(".e") == std::string::npos) out += ".0";
  }
  if (field.type == 'E' || field.type == 'G') {
    for (char& c : out) c = c == 'e' ? 'E' : c;
  }
  return out;
}

// Puts sign and digits (or text) into the width.
Text padded(Machine& machine, const Field& field, const std::string& sign, const Text& body,
            char default_align) {
  const size_t length = sign.size() + body.length();
  const auto missing = static_cast<size_t>(std::max<int64_t>(field.width - static_cast<int64_t>(length), 0));
  machine.charge_text(missing + body.size());
  const char align = field.align == '\0' ? default_align : field.align;
  const size_t before = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  Text out;
  const auto fill = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) out.append(field.fill);
  };
  if (align == '=') out.append_template(sign);
  fill(before);
  if (align != '=') out.append_template(sign);
  out.append(body);
  fill(missing - before);
  return out;
}

std::string sign_text(bool negative, char sign) {
  if (negative) return "-";
  return sign == '-' ? "" : std::string(1, sign);
}

Text format_number(Machine& machine, const Field& field, const Value& value) {
  constexpr std::string_view integer_types = "dioxXbnuc";
  const bool as_integer = integer_types.find(field.type) != std::string_view::npos && field.type != '\0';
  std::string sign, digits;
  if (value.integer() && (as_integer || field.type == '\0')) {
    const int64_t i = *value.integer();
    sign = sign_text(i < 0, field.sign);
    digits = integer_digits(i < 0 ? 0 - static_cast<uint64_t>(i) : static_cast<uint64_t>(i), field.type);
    if (field.precision && digits.size() < static_cast<size_t>(*field.precision)) {
      digits.insert(0, static_cast<size_t>(*field.precision) - digits.size(), '0');
    }
    if (field.alternate &&
        (field.type == 'x' || field.type == 'X' || field.type == 'o' || field.type == 'b')) {
      sign += std::string("0") + field.type;
    }
  } else {
    const double d = *value.number();
    sign = sign_text(std::signbit(d) && !std::isnan(d), field.sign);
    digits = float_digits(std::abs(d), field);
  }
  return padded(machine, field, sign, Text::by_template(grouped(digits, field.grouping)), '>');
}

Text format_text(Machine& machine, const Field& field, Text text, char default_align) {
  if (field.precision) {
    const std::vector<size_t> offsets = text.character_offsets();
    if (static_cast<size_t>(*field.precision) + 1 < offsets.size()) {
      text = text.slice(0, offsets[static_cast<size_t>(*field.precision)]);
    }
  }
  return padded(machine, field, "", text, default_align);
}

// ---- "..." % values

class PercentFormat {
 public:
  PercentFormat(Machine& machine, const Text& pattern, const Value& values)
      : machine_(machine), pattern_(pattern), text_(pattern.bytes()), values_(values) {}

  Text run() {
    while (at_ < text_.size()) {
      const size_t percent = std::min(text_.find('%', at_), text_.size());
      out_.append(pattern_, at_, percent - at_);
      at_ = percent;
      if (at_ < text_.size()) field();
    }
    const Sequence* tuple = values_.sequence();
    const bool is_tuple = tuple != nullptr && tuple->is_tuple();
    const size_t given = is_tuple ? tuple->items.size() : 1;
    // A dictionary, a list or nothing may be left unused.
    if (next_ < given &&
        (is_tuple || (values_.dict() == nullptr && tuple == nullptr && !values_.is_undefined()))) {
      throw Failure("not all arguments converted during string formatting");
    }
    return std::move(out_);
  }

 private:
  Value next_value() {
    const Sequence* tuple = values_.sequence();
    if (tuple != nullptr && tuple->is_tuple()) {
      if (next_ >= tuple->items.size()) throw Failure("not enough arguments for format string");
      return tuple->items[next_++];
    }
    if (next_++ != 0) throw Failure("not enough arguments for format string");
    return values_;
  }
  int64_t star_or_number(int64_t limit) {
    if (at_ < text_.size() && text_[at_] == '*') {
      ++at_;
      const auto value = next_value().integer();
      if (!value || std::abs(*value) > limit) throw Failure("* wants a small int");
      return *value;
    }
    return read_number(text_, at_, limit);
  }
  void field();
  void convert(const Field& field, const Value& value, char type, size_t type_at);

  Machine& machine_;
  const Text& pattern_;
  std::string_view text_;
  const Value& values_;
  size_t at_ = 0, next_ = 0;
  Text out_;
};

void PercentFormat::field() {
  ++at_;
  std::optional<Value> named;
  if (at_ < text_.size() && text_[at_] == '(') {
    const size_t close = text_.find(')', at_);
    if (close == std::string_view::npos) throw Failure("incomplete format key");
    if (values_.dict() == nullptr) throw Failure("format requires a mapping");
    const Value* found = values_.dict()->find(text_.substr(at_ + 1, close - at_ - 1));
    if (found == nullptr) throw Failure("a format's key is missing");
    named = *found;
    at_ = close + 1;
  }
  Field field;
  bool zero = false;
  for (; at_ < text_.size() && std::string_view("-+ #0").find(text_[at_]) != std::string_view::npos; ++at_) {
    if (text_[at_] == '-') field.align = '<';
    if (text_[at_] == '+') field.sign = '+';
    if (text_[at_] == ' ' && field.sign != '+') field.sign = ' ';
    if (text_[at_] == '#') field.alternate = true;
    if (text_[at_] == '0') zero = true;
  }
  field.width = star_or_number(kMaxWidth);
  if (field.width < 0) {
    field.align = '<';
    field.width = -field.width;
  }
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    field.precision = std::max<int64_t>(star_or_number(kMaxWidth), 0);
  }
  while (at_ < text_.size() && (text_[at_] == 'l' || text_[at_] == 'h' || text_[at_] == 'L')) ++at_;
  if (at_ >= text_.size()) throw Failure("incomplete format");
  const char type = text_[at_++];
  if (type == '%') {
    out_.append(pattern_, at_ - 1, 1);
    return;
  }
  if (zero && field.align == '\0' && std::string_view("diouxXeEfFgG").find(type) != std::string_view::npos) {
    field.align = '=';
    field.fill = Text::by_template("0");
  }
  convert(field, named ? *named : next_value(), type, at_ - 1);
}

void PercentFormat::convert(const Field& given, const Value& value, char type, size_t) {
  Field field = given;
  field.type = type;
  switch (type) {
    case 's':
      out_.append(format_text(machine_, field, to_text(machine_, value), '>'));
      break;
    case 'r':
    case 'a':
      out_.append(format_text(machine_, field, repr(machine_, value), '>'));
      break;
    case 'c': {
      Text text;
      if (value.text() != nullptr) {
        if (value.text()->length() != 1) throw Failure("%c requires int or char");
        text = *value.text();
      } else {
        const auto code = value.integer();
        if (!code || *code < 0 || *code > 0x10FFFF) throw Failure("%c requires int or char");
        std::string bytes;
        append_utf8(bytes, static_cast<char32_t>(*code));
        text.append_template(bytes);
      }
      out_.append(format_text(machine_, field, std::move(text), '>'));
      break;
    }
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      require_defined(value);
      if (!value.is_number()) throw Failure(std::string("%") + type + " format: a number is required");
      Value integer = value;
      if (!value.integer()) {
        const double d = *value.number();
        if (type == 'x' || type == 'X' || type == 'o') throw Failure("an integer is required");
        if (!(std::abs(d) < 9.2e18)) throw Failure("cannot convert the float to an integer");
        integer = Value(static_cast<int64_t>(d));
      }
      if (field.precision && *field.precision > kMaxPrecision) throw Failure("a precision is too large");
      out_.append(format_number(machine_, field, integer));
      break;
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      require_defined(value);
      if (!value.is_number()) throw Failure("must be real number, not " + type_name(value));
      if (field.precision && *field.precision > kMaxPrecision) throw Failure("a precision is too large");
      out_.append(format_number(machine_, field, value));
      break;
    default:
      throw Failure(std::string("unsupported format character '") + type + "'");
  }
}

// ---- "...".format(values)

class BraceFormat {
 public:
  BraceFormat(Machine& machine, const Arguments& arguments) : machine_(machine), arguments_(arguments) {}

  Text run(const Text& pattern, int depth = 0) {
    const std::string_view text = pattern.bytes();
    Text out;
    for (size_t at = 0; at < text.size();) {
      const char c = text[at];
      if (c != '{' && c != '}') {
        const size_t next = std::min(text.find_first_of("{}", at), text.size());
        out.append(pattern, at, next - at);
        at = next;
      } else if (at + 1 < text.size() && text[at + 1] == c && depth == 0) {
        out.append(pattern, at, 1);
        at += 2;
      } else if (c == '}') {
        throw Failure("single '}' encountered in format string");
      } else {
        const size_t end = closing(text, at);
        out.append(field(pattern.slice(at + 1, end - at - 1), depth));
        at = end + 1;
      }
    }
    return out;
  }

 private:
  static size_t closing(std::string_view text, size_t at) {
    int open = 0;
    for (size_t i = at; i < text.size(); ++i) {
      if (text[i] == '{') ++open;
      if (text[i] == '}' && --open == 0) return i;
    }
    throw Failure("expected '}' before end of string");
  }
  Text field(const Text& inside, int depth);
  Value lookup(std::string_view name);

  Machine& machine_;
  const Arguments& arguments_;
  size_t next_ = 0;
  std::optional<bool> numbered_by_;  // true: automatically
};

// "0.name[key]"
Value BraceFormat::lookup(std::string_view name) {
  const size_t first_end = std::min(name.find_first_of(".["), name.size());
  const std::string first(name.substr(0, first_end));
  std::optional<Value> value;
  if (first.empty() || first.find_first_not_of("0123456789") == std::string::npos) {
    const bool automatic = first.empty();
    if (numbered_by_ && *numbered_by_ != automatic) throw Failure("format fields are numbered both ways");
    numbered_by_ = automatic;
    size_t at = 0;
    const size_t i = automatic ? next_++ : static_cast<size_t>(read_number(first, at, kMaxWidth));
    if (i >= arguments_.positional.size()) throw Failure("a replacement index is out of range");
    value = arguments_.positional[i];
  } else {
    for (const auto& [known, given] : arguments_.named) {
      if (known == first) value = given;
    }
    if (!value) throw Failure("format(): no argument '" + first + "'");
  }
  for (size_t at = first_end; at < name.size();) {
    if (name[at] == '.') {
      const size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
      value = attribute(machine_, *value, std::string(name.substr(at + 1, end - at - 1)));
      at = end;
    } else {
      const size_t end = name.find(']', at);
      if (name[at] != '[' || end == std::string_view::npos) throw Failure("a replacement field is malformed");
      const std::string_view key = name.substr(at + 1, end - at - 1);
      size_t digit = 0;
      const bool is_index = !key.empty() && key.find_first_not_of("0123456789") == std::string_view::npos;
      value =
          item(machine_, *value, is_index ? Value(read_number(key, digit, kMaxWidth)) : template_text(key));
      at = end + 1;
    }
  }
  return *value;
}

Field parse_specification(const Text& specification) {
  const std::string_view text = specification.bytes();
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  Field field;
  size_t at = 0;
  const size_t first = text.empty() ? 0 : specification.character_size(0);
  if (first != 0 && first < text.size() && is_align(text[first])) {
    field.fill = specification.slice(0, first);
    field.align = text[first];
    at = first + 1;
  } else if (!text.empty() && is_align(text[0])) {
    field.align = text[0];
    at = 1;
  }
  const auto take = [&](char c) { return at < text.size() && text[at] == c && (++at, true); };
  for (const char sign : {'+', '-', ' '}) {
    if (take(sign)) field.sign = sign;
  }
  field.alternate = take('#');
  if (take('0') && field.align == '\0') {
    field.align = '=';
    field.fill = Text::by_template("0");
  }
  field.width = read_number(text, at, kMaxWidth);
  for (const char separator : {',', '_'}) {
    if (take(separator)) field.grouping = separator;
  }
  if (take('.')) field.precision = read_number(text, at, kMaxWidth);
  if (at < text.size()) field.type = text[at++];
  if (at != text.size()) throw Failure("invalid format specifier");
  return field;
}

Text BraceFormat::field(const Text& inside, int depth) {
  if (depth > 1) throw Failure("max string recursion exceeded");
  const std::string_view text = inside.bytes();
  // A colon inside brackets belongs to a key.
  size_t split = 0;
  for (int brackets = 0; split < text.size(); ++split) {
    brackets += text[split] == '[' ? 1 : text[split] == ']' ? -1 : 0;
    if (brackets == 0 && (text[split] == ':' || text[split] == '!')) break;
  }
  Value value = lookup(text.substr(0, split));
  if (split < text.size() && text[split] == '!') {
    if (split + 1 >= text.size()) throw Failure("end of string while looking for conversion specifier");
    const char conversion = text[split + 1];
    if (conversion != 's' && conversion != 'r') throw Failure("unknown conversion specifier");
    value = Value(conversion == 'r' ? repr(machine_, value) : to_text(machine_, value));
    split += 2;
    if (split < text.size() && text[split] != ':') throw Failure("expected ':' after conversion specifier");
  }
  const Text raw = split < text.size() ? inside.slice(split + 1) : Text();
  const Text specification = raw.bytes().find('{') == std::string::npos ? raw : run(raw, depth + 1);
  const Field parsed = parse_specification(specification);
  if (specification.empty()) return to_text(machine_, value);
  constexpr std::string_view numbers = "bcdeEfFgGnoxX%";
  const bool number_type = parsed.type != '\0' && numbers.find(parsed.type) != std::string_view::npos;
  const bool is_bool = std::holds_alternative<bool>(value.data());
  if (value.is_number() && (number_type || (parsed.type == '\0' && !is_bool))) {
    constexpr std::string_view floats = "eEfFgG%";
    const bool wants_float = floats.find(parsed.type) != std::string_view::npos && parsed.type != '\0';
    if (!value.integer() && number_type && !wants_float) throw Failure("unknown format code for a float");
    if (value.integer() && parsed.precision && !wants_float)
      throw Failure("precision not allowed for integers");
    if (parsed.precision && *parsed.precision > kMaxPrecision) throw Failure("a precision is too large");
    return format_number(machine_, parsed, value);
  }
  if (number_type || parsed.align == '=') throw Failure("unknown format code for '" + type_name(value) + "'");
  if (value.text() == nullptr && !is_bool) {
    throw Failure("unsupported format string passed to " + type_name(value));
  }
  return format_text(machine_, parsed, to_text(machine_, value), '<');
}

}  // namespace

Text format_percent(Machine& machine, const Text& pattern, const Value& values) {
  return PercentFormat(machine, pattern, values).run();
}

Text format_braces(Machine& machine, const Text& pattern, const Arguments& arguments) {
  return BraceFormat(machine, arguments).run(pattern);
}

}  // namespace yoke::jinja
