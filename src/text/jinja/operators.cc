// Truth, equality, order, membership and arithmetic.
#include <cmath>
#include <limits>

#include "text/jinja/failure.h"
#include "text/jinja/format.h"
#include "text/jinja/operations.h"

namespace yoke::jinja {
namespace {

constexpr size_t kBytesPerWork = 16;

[[noreturn]] void unsupported(std::string_view sign, const Value& a, const Value& b) {
  require_defined(a);
  require_defined(b);
  throw Failure("unsupported operand types for " + std::string(sign) + ": '" + type_name(a) + "' and '" +
                type_name(b) + "'");
}

[[noreturn]] void too_large() {
  throw Failure("an integer exceeds 64 bits");
}

bool equal_sequences(Machine& machine, const std::vector<Value>& a, const std::vector<Value>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!equal(machine, a[i], b[i])) return false;
  }
  return true;
}

bool equal_dicts(Machine& machine, const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  for (const auto& [key, value] : a.items) {
    const Value* other = b.find(key);
    if (other == nullptr || !equal(machine, value, *other)) return false;
  }
  return true;
}

Value repeat(Machine& machine, const Value& what, int64_t times) {
  const auto count = static_cast<size_t>(std::max<int64_t>(times, 0));
  const auto total = [&](size_t size) {
    if (size != 0 && count > std::numeric_limits<size_t>::max() / 2 / size) throw Failure("too many copies");
    return size * count;
  };
  if (const Text* text = what.text()) {
    machine.charge_text(total(text->size()));
    Text out;
    for (size_t i = 0; i < count && !text->empty(); ++i) out.append(*text);
    return Value(std::move(out));
  }
  const Sequence& sequence = *what.sequence();
  machine.charge(total(4 * sequence.items.size()));
  Sequence out{sequence.style, {}, {}, 0};
  for (size_t i = 0; i < count && !sequence.items.empty(); ++i) {
    out.items.insert(out.items.end(), sequence.items.begin(), sequence.items.end());
  }
  return Value(std::move(out));
}

bool is_list_or_tuple(const Value& value) {
  return value.sequence() != nullptr && (value.sequence()->is_list() || value.sequence()->is_tuple());
}

Value add(Machine& machine, const Value& a, const Value& b) {
  if (a.text() != nullptr && b.text() != nullptr) {
    machine.charge_text(a.text()->size() + b.text()->size());
    Text out = *a.text();
    out.append(*b.text());
    return Value(std::move(out));
  }
  if (is_list_or_tuple(a) && is_list_or_tuple(b) && a.sequence()->style == b.sequence()->style) {
    machine.charge(4 * (a.sequence()->items.size() + b.sequence()->items.size()));
    Sequence out{a.sequence()->style, a.sequence()->items, {}, 0};
    out.items.insert(out.items.end(), b.sequence()->items.begin(), b.sequence()->items.end());
    return Value(std::move(out));
  }
  unsupported("+", a, b);
}

int64_t floor_divide(int64_t a, int64_t b) {
  if (b == 0) throw Failure("integer division or modulo by zero");
  if (a == std::numeric_limits<int64_t>::min() && b == -1) too_large();
  const int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

// Python's: the result has the divisor's sign.
double modulo(double a, double b) {
  if (b == 0) throw Failure("float modulo by zero");
  double rest = std::fmod(a, b);
  if (rest != 0) return (b < 0) != (rest < 0) ? rest + b : rest;
  return std::copysign(0.0, b);
}

double floor_divide(double a, double b) {
  if (b == 0) throw Failure("float floor division by zero");
  const double rest = modulo(a, b);
  const double quotient = (a - rest) / b;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1.0 : floored;
}

Value power(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) throw Failure("0.0 cannot be raised to a negative power");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  int64_t square = base;
  for (int64_t left = exponent; left > 0;) {
    if ((left & 1) != 0 && __builtin_mul_overflow(result, square, &result)) too_large();
    left >>= 1;
    if (left > 0 && __builtin_mul_overflow(square, square, &square)) too_large();
  }
  return Value(result);
}

Value integer_binary(BinaryOp op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case BinaryOp::kAdd:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case BinaryOp::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case BinaryOp::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case BinaryOp::kDivide:
      if (b == 0) throw Failure("division by zero");
      return Value(static_cast<double>(a) / static_cast<double>(b));
    case BinaryOp::kFloorDivide:
      result = floor_divide(a, b);
      break;
    case BinaryOp::kModulo:
      if (b == -1) return Value(int64_t{0});
      result = a - floor_divide(a, b) * b;
      break;
    case BinaryOp::kPower:
      return power(a, b);
  }
  if (overflow) too_large();
  return Value(result);
}

Value float_binary(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::kAdd:
      return Value(a + b);
    case BinaryOp::kSubtract:
      return Value(a - b);
    case BinaryOp::kMultiply:
      return Value(a * b);
    case BinaryOp::kDivide:
      if (b == 0) throw Failure("float division by zero");
      return Value(a / b);
    case BinaryOp::kFloorDivide:
      return Value(floor_divide(a, b));
    case BinaryOp::kModulo:
      return Value(modulo(a, b));
    case BinaryOp::kPower: {
      if (a == 0 && b < 0) throw Failure("0.0 cannot be raised to a negative power");
      if (a < 0 && b != std::floor(b)) throw Failure("a complex number");
      const double result = std::pow(a, b);
      if (std::isinf(result) && !std::isinf(a) && !std::isinf(b)) throw Failure("the result is too large");
      return Value(result);
    }
  }
  return Value();
}

std::string_view sign_of(BinaryOp op) {
  constexpr std::string_view signs[] = {"+", "-", "*", "/", "//", "%", "**"};
  return signs[static_cast<size_t>(op)];
}

}  // namespace

bool truthy(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const auto number = value.number()) return *number != 0;
  if (const Text* text = value.text()) return !text->empty();
  if (const Sequence* sequence = value.sequence()) return !sequence->items.empty();
  if (const Dict* dict = value.dict()) return !dict->items.empty();
  if (const Loop* loop = value.loop()) return !loop->items.empty();
  return true;
}

bool same(const Value& a, const Value& b) {
  if (a.data().index() != b.data().index()) return false;
  return std::visit(
      [&](const auto& left) {
        using T = std::decay_t<decltype(left)>;
        const T& right = std::get<T>(b.data());
        if constexpr (std::is_same_v<T, None>) return true;
        if constexpr (std::is_same_v<T, Undefined>) return &left == &right;
        if constexpr (std::is_same_v<T, TextPtr>) return left == right || *left == *right;
        if constexpr (!std::is_same_v<T, None> && !std::is_same_v<T, Undefined> &&
                      !std::is_same_v<T, TextPtr>) {
          return left == right;
        }
        return false;
      },
      a.data());
}

bool equal(Machine& machine, const Value& a, const Value& b) {
  const Machine::Deeper deeper(machine);
  machine.charge(1);
  if (a.is_undefined() && b.is_undefined()) return true;
  if (a.is_none() && b.is_none()) return true;
  if (a.integer() && b.integer()) return *a.integer() == *b.integer();
  if (a.is_number() && b.is_number()) return *a.number() == *b.number();
  if (a.text() != nullptr && b.text() != nullptr) {
    machine.charge(std::min(a.text()->size(), b.text()->size()) / kBytesPerWork);
    return *a.text() == *b.text();
  }
  const Sequence* left = a.sequence();
  const Sequence* right = b.sequence();
  if (left != nullptr && right != nullptr) {
    return left->style == right->style && equal_sequences(machine, left->items, right->items);
  }
  if (a.dict() != nullptr && b.dict() != nullptr) return equal_dicts(machine, *a.dict(), *b.dict());
  if (a.data().index() != b.data().index() || a.is_number() || a.text() != nullptr) return false;
  return same(a, b);
}

bool less(Machine& machine, const Value& a, const Value& b) {
  const Machine::Deeper deeper(machine);
  machine.charge(1);
  if (a.integer() && b.integer()) return *a.integer() < *b.integer();
  if (a.is_number() && b.is_number()) return *a.number() < *b.number();
  // The order of UTF-8's bytes is that of the characters.
  if (a.text() != nullptr && b.text() != nullptr) {
    machine.charge(std::min(a.text()->size(), b.text()->size()) / kBytesPerWork);
    return a.text()->bytes() < b.text()->bytes();
  }
  if (is_list_or_tuple(a) && is_list_or_tuple(b) && a.sequence()->style == b.sequence()->style) {
    const auto& left = a.sequence()->items;
    const auto& right = b.sequence()->items;
    for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      if (!equal(machine, left[i], right[i])) return less(machine, left[i], right[i]);
    }
    return left.size() < right.size();
  }
  unsupported("<", a, b);
}

bool contains(Machine& machine, const Value& container, const Value& item) {
  if (const Text* text = container.text()) {
    const Text* part = item.text();
    if (part == nullptr) {
      require_defined(item);
      throw Failure("'in <string>' requires a string, not " + type_name(item));
    }
    machine.charge(text->size() / kBytesPerWork + 1);
    return text->bytes().find(part->bytes()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) {
    require_key(machine, item);
    return dict->find(item) != nullptr;
  }
  if (Iterator* iterator = container.iterator()) {
    while (iterator->next < iterator->items.size()) {
      if (equal(machine, iterator->items[iterator->next++], item)) return true;
    }
    return false;
  }
  if (!is_iterable(container)) throw Failure("'" + type_name(container) + "' is not iterable");
  if (const Sequence* sequence = container.sequence()) {
    for (const Value& candidate : sequence->items) {
      if (equal(machine, candidate, item)) return true;
    }
  }
  return false;
}

Value binary(Machine& machine, BinaryOp op, const Value& a, const Value& b) {
  if (a.integer() && b.integer()) return integer_binary(op, *a.integer(), *b.integer());
  if (a.is_number() && b.is_number()) return float_binary(op, *a.number(), *b.number());
  const auto repeatable = [](const Value& v) { return v.text() != nullptr || is_list_or_tuple(v); };
  switch (op) {
    case BinaryOp::kAdd:
      return add(machine, a, b);
    case BinaryOp::kMultiply:
      if (repeatable(a) && b.integer()) return repeat(machine, a, *b.integer());
      if (repeatable(b) && a.integer()) return repeat(machine, b, *a.integer());
      break;
    case BinaryOp::kModulo:
      if (a.text() != nullptr) return Value(format_percent(machine, *a.text(), b));
      break;
    default:
      break;
  }
  unsupported(sign_of(op), a, b);
}

Value unary(UnaryOp op, const Value& value) {
  if (op == UnaryOp::kNot) return Value(!truthy(value));
  require_defined(value);
  if (const auto i = value.integer()) {
    if (op == UnaryOp::kPlus) return Value(*i);
    if (*i == std::numeric_limits<int64_t>::min()) too_large();
    return Value(-*i);
  }
  const auto number = value.number();
  if (!number) throw Failure("bad operand type for a sign: '" + type_name(value) + "'");
  return Value(op == UnaryOp::kMinus ? -*number : *number);
}

}  // namespace yoke::jinja
