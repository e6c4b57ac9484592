// Finds a filter by its name, and the filters on numbers and on any value.
#include "text/jinja/filters.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "text/jinja/arguments.h"
#include "text/jinja/failure.h"
#include "text/jinja/json.h"
#include "text/jinja/operations.h"
#include "text/jinja/unicode.h"

namespace yoke::jinja {
namespace {

// Digits with single underscores between them lose these; none where something else is there.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out.push_back(text[i]);
    } else if (i == 0 || i + 1 == text.size() || !std::isalnum(static_cast<unsigned char>(text[i - 1])) ||
               !std::isalnum(static_cast<unsigned char>(text[i + 1]))) {
      return std::nullopt;
    }
  }
  return out;
}

// Python's int(text, base).
std::optional<int64_t> parse_integer(std::string_view given, int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) throw Failure("int() base must be >= 2 and <= 36, or 0");
  std::string_view text = strip_right(strip_left(given));
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto prefix = [&](char letter, int64_t value) {
    if ((base != value && base != 0) || text.size() < 3 || text[0] != '0' || (text[1] | 0x20) != letter)
      return false;
    text.remove_prefix(2);
    if (text.starts_with('_')) text.remove_prefix(1);
    base = value;
    return true;
  };
  if (!prefix('x', 16) && !prefix('o', 8) && !prefix('b', 2) && base == 0) base = 10;
  const auto digits = without_underscores(text);
  if (!digits || digits->empty() || (*digits)[0] == '-' || (*digits)[0] == '+') return std::nullopt;
  const std::string signed_digits = (negative ? "-" : "") + *digits;
  int64_t value = 0;
  const char* end = signed_digits.data() + signed_digits.size();
  const auto [after, error] = std::from_chars(signed_digits.data(), end, value, static_cast<int>(base));
  if (after != end) return std::nullopt;
  if (error == std::errc::result_out_of_range) throw Failure("an integer exceeds 64 bits");
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// Python's float(text).
std::optional<double> parse_float(std::string_view given) {
  const auto digits = without_underscores(strip_right(strip_left(given)));
  if (!digits) return std::nullopt;
  std::string_view text = *digits;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text[0] == '-' || text[0] == '+' || text.starts_with("nan(")) return std::nullopt;
  double value = 0;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (after != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const size_t e = text.find_first_of("eE");
    value = e != std::string_view::npos && e + 1 < text.size() && text[e + 1] == '-' ? 0.0 : HUGE_VAL;
  }
  return negative ? -value : value;
}

int64_t truncated(double value) {
  if (!(std::abs(value) < 9.2e18)) throw Failure("an integer exceeds 64 bits");
  return static_cast<int64_t>(value);
}

Value to_int(Machine&, const Value& input, const Arguments& arguments) {
  const Bound bound("int", arguments, {"default", "base"});
  Value otherwise = bound.has(0) ? bound[0] : Value(int64_t{0});
  require_defined(input);
  std::optional<double> number = input.number();
  if (input.integer()) return Value(*input.integer());
  if (const Text* text = input.text()) {
    if (const auto value = parse_integer(text->bytes(), bound.integer_or(1, 10))) return Value(*value);
    number = parse_float(text->bytes());
  }
  if (!number || !std::isfinite(*number)) return otherwise;
  return Value(truncated(*number));
}

Value to_float(Machine&, const Value& input, const Arguments& arguments) {
  const Bound bound("float", arguments, {"default"});
  require_defined(input);
  std::optional<double> number = input.number();
  if (const Text* text = input.text()) number = parse_float(text->bytes());
  if (number) return Value(*number);
  return bound.has(0) ? bound[0] : Value(0.0);
}

Value absolute(Machine&, const Value& input, const Arguments& arguments) {
  const Bound bound("abs", arguments, {});
  require_defined(input);
  if (const auto i = input.integer()) return *i < 0 ? unary(UnaryOp::kMinus, Value(*i)) : Value(*i);
  if (!input.number()) throw Failure("bad operand type for abs(): '" + type_name(input) + "'");
  return Value(std::abs(*input.number()));
}

// Half to even on the decimal digits that the number really has.
double rounded(double value, int precision) {
  if (precision > 300 || !std::isfinite(value)) return value;
  if (precision < 0) {
    const double unit = std::pow(10.0, -precision);
    return std::isinf(unit) ? std::copysign(0.0, value) : std::nearbyint(value / unit) * unit;
  }
  char buffer[1024];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed, precision);
  double result = value;
  std::from_chars(buffer, end.ptr, result);
  return result;
}

Value round(Machine&, const Value& input, const Arguments& arguments) {
  const Bound bound("round", arguments, {"precision", "method"});
  const auto precision = static_cast<int>(std::clamp<int64_t>(bound.integer_or(0, 0), -400, 400));
  const std::string how = bound.has(1) ? bound.text(1).bytes() : "common";
  require_defined(input);
  if (!input.number()) throw Failure("round: a number is needed, not " + type_name(input));
  if (how == "common") {
    if (input.integer() && precision >= 0) return Value(*input.integer());
    if (input.integer()) return Value(truncated(rounded(*input.number(), precision)));
    return Value(rounded(*input.number(), precision));
  }
  if (how != "ceil" && how != "floor") throw Failure("round: the method must be common, ceil or floor");
  const double unit = std::pow(10.0, precision);
  const double scaled = *input.number() * unit;
  const double whole = how == "ceil" ? std::ceil(scaled) : std::floor(scaled);
  return Value(whole == 0 ? 0.0 : whole / unit);  // through an integer, which has no -0
}

Value default_value(Machine&, const Value& input, const Arguments& arguments) {
  const Bound bound("default", arguments, {"default_value", "boolean"});
  const bool replace = input.is_undefined() || (bound.flag_or(1, false) && !truthy(input));
  if (!replace) return input;
  return bound.has(0) ? bound[0] : template_text("");
}

Value attr(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("attr", arguments, {"name"}, 1);
  const std::string name = to_text(machine, bound[0]).bytes();
  // Attributes only: a dictionary's items are none.
  if (input.dict() != nullptr)
    return method(input, name).value_or(Value::undefined("no attribute '" + name + "'"));
  return attribute(machine, input, name);
}

Value to_json(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii_only = bound.flag_or(0, false);
  if (!bound.is_absent(1)) {
    if (bound[1].text() != nullptr) {
      style.indent = *bound[1].text();
    } else {
      const int64_t width = std::max<int64_t>(bound.integer(1), 0);
      machine.charge_text(static_cast<size_t>(width));
      style.indent = Text::by_template(std::string(static_cast<size_t>(width), ' '));
    }
    style.item_separator = Text::by_template(",");
  }
  if (!bound.is_absent(2)) {
    const std::vector<Value> parts = iterate(machine, bound[2]);
    if (parts.size() != 2 || parts[0].text() == nullptr || parts[1].text() == nullptr) {
      throw Failure("tojson: separators are two strings");
    }
    style.item_separator = *parts[0].text();
    style.key_separator = *parts[1].text();
  }
  style.sort_keys = bound.flag_or(3, false);
  return Value(write_json(machine, input, style));
}

constexpr NamedFilter kFilters[] = {
    {"abs", absolute},   {"attr", attr},  {"d", default_value}, {"default", default_value},
    {"float", to_float}, {"int", to_int}, {"round", round},     {"tojson", to_json},
};

}  // namespace

std::span<const NamedFilter> value_filters() {
  return kFilters;
}

Value Machine::apply_filter(std::string_view name, const Value& input, const Arguments& arguments) {
  const Deeper deeper(*this);
  charge_text(input.text() != nullptr ? input.text()->size() : 0);
  for (const auto& table : {text_filters(), sequence_filters(), value_filters()}) {
    for (const NamedFilter& filter : table) {
      if (filter.name == name) return filter.apply(*this, input, arguments);
    }
  }
  throw Failure("no filter named '" + std::string(name.substr(0, 40)) + "'");
}

}  // namespace yoke::jinja
