// The tests ("value is name").
#include <cmath>

#include "text/jinja/failure.h"
#include "text/jinja/filters.h"
#include "text/jinja/machine.h"
#include "text/jinja/operations.h"
#include "text/jinja/text_operations.h"

namespace yoke::jinja {
namespace {

struct Tested {
  Machine& machine;
  const Value& value;
  const Arguments& arguments;

  const Value& other() const {
    if (arguments.positional.size() != 1) throw Failure("the test takes one argument");
    return arguments.positional[0];
  }
};

using Test = bool (*)(const Tested&);

template <typename T>
bool is(const Tested& t) {
  return std::holds_alternative<T>(t.value.data());
}

bool is_int(const Tested& t) {
  return is<int64_t>(t);
}

bool is_number(const Tested& t) {
  return t.value.is_number();
}

bool is_sequence(const Tested& t) {
  const Sequence* sequence = t.value.sequence();
  return t.value.text() != nullptr || t.value.dict() != nullptr || t.value.is_undefined() ||
         (sequence != nullptr && sequence->style != Sequence::Style::kView);
}

bool modulo_is(const Tested& t, const Value& divisor, int64_t rest) {
  return equal(t.machine, binary(t.machine, BinaryOp::kModulo, t.value, divisor), Value(rest));
}

bool has_case(const Tested& t, bool upper) {
  const Value text(to_text(t.machine, t.value));
  const auto question = method(text, upper ? "isupper" : "islower");
  return truthy(t.machine.call(*question, {}));
}

bool is_known_filter(const Tested& t) {
  require_key(t.machine, t.value);
  const std::string name = to_text(t.machine, t.value).bytes();
  for (const auto& table : {text_filters(), sequence_filters(), value_filters()}) {
    for (const NamedFilter& filter : table) {
      if (filter.name == name) return true;
    }
  }
  return false;
}

bool is_known_test(const Tested& t);

bool equal_to(const Tested& t) {
  return equal(t.machine, t.value, t.other());
}
bool less_than(const Tested& t) {
  return less(t.machine, t.value, t.other());
}
bool greater_than(const Tested& t) {
  return less(t.machine, t.other(), t.value);
}

constexpr std::pair<std::string_view, Test> kTests[] = {
    {"!=", [](const Tested& t) { return !equal_to(t); }},
    {"<", less_than},
    {"<=", [](const Tested& t) { return less_than(t) || equal_to(t); }},
    {"==", equal_to},
    {">", greater_than},
    {">=", [](const Tested& t) { return greater_than(t) || equal_to(t); }},
    {"boolean", is<bool>},
    {"callable",
     [](const Tested& t) { return t.value.callable() || t.value.loop() || t.value.is_undefined(); }},
    {"defined", [](const Tested& t) { return !t.value.is_undefined(); }},
    {"divisibleby", [](const Tested& t) { return modulo_is(t, t.other(), 0); }},
    {"eq", equal_to},
    {"equalto", equal_to},
    {"escaped", [](const Tested&) { return false; }},
    {"even", [](const Tested& t) { return modulo_is(t, Value(int64_t{2}), 0); }},
    {"false", [](const Tested& t) { return is<bool>(t) && !truthy(t.value); }},
    {"filter", is_known_filter},
    {"float", is<double>},
    {"ge", [](const Tested& t) { return greater_than(t) || equal_to(t); }},
    {"greaterthan", greater_than},
    {"gt", greater_than},
    {"in", [](const Tested& t) { return contains(t.machine, t.other(), t.value); }},
    {"integer", is_int},
    {"iterable", [](const Tested& t) { return is_iterable(t.value); }},
    {"le", [](const Tested& t) { return less_than(t) || equal_to(t); }},
    {"lessthan", less_than},
    {"lower", [](const Tested& t) { return has_case(t, false); }},
    {"lt", less_than},
    {"mapping", [](const Tested& t) { return t.value.dict() != nullptr; }},
    {"ne", [](const Tested& t) { return !equal_to(t); }},
    {"none", is<None>},
    {"number", is_number},
    {"odd", [](const Tested& t) { return modulo_is(t, Value(int64_t{2}), 1); }},
    {"sameas", [](const Tested& t) { return same(t.value, t.other()); }},
    {"sequence", is_sequence},
    {"string", is<TextPtr>},
    {"test", is_known_test},
    {"true", [](const Tested& t) { return is<bool>(t) && truthy(t.value); }},
    {"undefined", is<Undefined>},
    {"upper", [](const Tested& t) { return has_case(t, true); }},
};

bool is_known_test(const Tested& t) {
  require_key(t.machine, t.value);
  const std::string name = to_text(t.machine, t.value).bytes();
  for (const auto& [known, test] : kTests) {
    if (known == name) return true;
  }
  return false;
}

}  // namespace

bool Machine::apply_test(std::string_view name, const Value& input, const Arguments& arguments) {
  const Deeper deeper(*this);
  charge_text(input.text() != nullptr ? input.text()->size() : 0);
  for (const auto& [known, test] : kTests) {
    if (known == name) return test(Tested{*this, input, arguments});
  }
  throw Failure("no test named '" + std::string(name.substr(0, 40)) + "'");
}

}  // namespace yoke::jinja
