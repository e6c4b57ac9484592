// The methods of dictionaries, lists and tuples, and those that the sandbox refuses.
#include <algorithm>
#include <array>
#include <cmath>

#include "text/jinja/arguments.h"
#include "text/jinja/failure.h"
#include "text/jinja/operations.h"

namespace yoke::jinja {
namespace {

Value bind(const Value& object, const char* name,
           Value (*function)(Machine&, const Value&, const Arguments&)) {
  return make_callable(
      name,
      [object, function](Machine& machine, const Arguments& arguments) {
        return function(machine, object, arguments);
      },
      object.depth());
}

Value dict_get(Machine& machine, const Value& object, const Arguments& arguments) {
  const Bound bound("get", arguments, {"key", "default"}, 1);
  require_key(machine, bound[0]);
  if (const Value* found = object.dict()->find(bound[0])) return *found;
  return bound.has(1) ? bound[1] : Value(None{});
}

Value dict_items(Machine& machine, const Value& object, const Arguments& arguments) {
  const Bound bound("items", arguments, {});
  machine.charge(8 * object.dict()->items.size());
  std::vector<Value> pairs;
  for (const auto& [key, value] : object.dict()->items) pairs.push_back(make_tuple({key, value}));
  return make_view(std::move(pairs), "dict_items");
}

Value dict_keys(Machine& machine, const Value& object, const Arguments& arguments) {
  const Bound bound("keys", arguments, {});
  return make_view(iterate(machine, object), "dict_keys");
}

Value dict_values(Machine& machine, const Value& object, const Arguments& arguments) {
  const Bound bound("values", arguments, {});
  machine.charge(4 * object.dict()->items.size());
  std::vector<Value> values;
  for (const auto& [key, value] : object.dict()->items) values.push_back(value);
  return make_view(std::move(values), "dict_values");
}

Value copy(Machine&, const Value& object, const Arguments& arguments) {
  const Bound bound("copy", arguments, {});
  return object;  // values do not change
}

Value sequence_count(Machine& machine, const Value& object, const Arguments& arguments) {
  const Bound bound("count", arguments, {"value"}, 1);
  int64_t count = 0;
  for (const Value& item : object.sequence()->items) count += equal(machine, item, bound[0]);
  return Value(count);
}

Value sequence_index(Machine& machine, const Value& object, const Arguments& arguments) {
  const Bound bound("index", arguments, {"value", "start", "stop"}, 1);
  const auto& items = object.sequence()->items;
  const auto count = static_cast<int64_t>(items.size());
  const auto place = [&](size_t i, int64_t otherwise) {
    const int64_t at = bound.integer_or(i, otherwise);
    return std::clamp<int64_t>(at < 0 ? std::max<int64_t>(at + count, 0) : at, 0, count);
  };
  for (int64_t i = place(1, 0), stop = place(2, count); i < stop; ++i) {
    if (equal(machine, items[static_cast<size_t>(i)], bound[0])) return Value(i);
  }
  throw Failure("index(): the value is not in the list");
}

Value float_is_integer(Machine&, const Value& object, const Arguments&) {
  const double value = *object.number();
  return Value(std::isfinite(value) && value == std::floor(value));
}

template <size_t n>
bool one_of(std::string_view name, const std::array<std::string_view, n>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value refused(std::string_view name) {
  return Value::undefined("the method '" + std::string(name) + "' would change its object: not allowed");
}

}  // namespace

std::optional<Value> method(const Value& object, std::string_view name) {
  constexpr std::array<std::string_view, 5> dict_changes = {"clear", "pop", "popitem", "setdefault",
                                                            "update"};
  constexpr std::array<std::string_view, 8> list_changes = {"append", "clear", "extend", "insert",
                                                            "pop",    "sort",  "remove", "reverse"};
  if (object.text() != nullptr) return text_method(object, name);
  if (object.dict() != nullptr) {
    if (one_of(name, dict_changes)) return refused(name);
    if (name == "get") return bind(object, "get", dict_get);
    if (name == "items") return bind(object, "items", dict_items);
    if (name == "keys") return bind(object, "keys", dict_keys);
    if (name == "values") return bind(object, "values", dict_values);
    if (name == "copy") return bind(object, "copy", copy);
    return std::nullopt;
  }
  if (const Sequence* sequence = object.sequence(); sequence && sequence->style != Sequence::Style::kView) {
    if (sequence->is_list() && one_of(name, list_changes)) return refused(name);
    if (sequence->is_list() && name == "copy") return bind(object, "copy", copy);
    if (name == "count") return bind(object, "count", sequence_count);
    if (name == "index") return bind(object, "index", sequence_index);
    return std::nullopt;
  }
  if (std::holds_alternative<double>(object.data()) && name == "is_integer") {
    return bind(object, "is_integer", float_is_integer);
  }
  return std::nullopt;
}

}  // namespace yoke::jinja
