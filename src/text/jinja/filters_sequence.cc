// Filters on lists and whatever else can be walked through.
#include <algorithm>
#include <functional>

#include "text/jinja/arguments.h"
#include "text/jinja/failure.h"
#include "text/jinja/filters.h"
#include "text/jinja/operations.h"
#include "text/jinja/text_operations.h"

namespace yoke::jinja {
namespace {

// A stable sort that survives an order that throws.
void sort_values(Machine& machine, std::vector<std::pair<Value, Value>>& keyed, bool reverse) {
  size_t count = keyed.size();
  for (size_t n = count; n > 1; n /= 2) machine.charge(count);
  const auto before = [&](const auto& a, const auto& b) {
    return reverse ? less(machine, b.first, a.first) : less(machine, a.first, b.first);
  };
  std::stable_sort(keyed.begin(), keyed.end(), before);
}

std::vector<Value> second_of(std::vector<std::pair<Value, Value>> keyed) {
  std::vector<Value> values;
  values.reserve(keyed.size());
  for (auto& entry : keyed) values.push_back(std::move(entry.second));
  return values;
}

Value list(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("list", arguments, {});
  return make_list(iterate(machine, input));
}

Value first(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("first", arguments, {});
  if (Iterator* iterator = input.iterator()) {
    if (iterator->next < iterator->items.size()) return iterator->items[iterator->next++];
  } else if (const std::vector<Value> items = iterate(machine, input); !items.empty()) {
    return items.front();
  }
  return Value::undefined("no first item, the sequence was empty");
}

Value last(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("last", arguments, {});
  if (input.iterator() != nullptr) throw Failure("last: a generator has no end to start from");
  const std::vector<Value> items = iterate(machine, input);
  return items.empty() ? Value::undefined("no last item, the sequence was empty") : items.back();
}

Value length(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("length", arguments, {});
  if (input.text() != nullptr) machine.charge_text(input.text()->size());
  const auto count = length_of(input);
  if (!count) throw Failure("object of type '" + type_name(input) + "' has no len()");
  return Value::size(*count);
}

Value join(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("join", arguments, {"d", "attribute"});
  const Text separator = bound.has(0) ? to_text(machine, bound[0]) : Text();
  std::vector<Text> parts;
  for (const Value& value : iterate(machine, input)) {
    parts.push_back(
        to_text(machine, bound.is_absent(1) ? value : item_key(machine, value, bound[1], true, Value())));
    machine.charge_text(parts.back().size());
  }
  return Value(join_texts(machine, separator, parts));
}

Value reverse(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("reverse", arguments, {});
  std::vector<Value> items = iterate(machine, input);
  std::reverse(items.begin(), items.end());
  if (input.iterator() != nullptr) return make_list(std::move(items));
  if (input.text() == nullptr) return make_iterator(std::move(items), "list_reverseiterator");
  Text out;
  for (const Value& character : items) out.append(*character.text());
  return Value(std::move(out));
}

// A list of one key, or for "a,b" of several: lists compare equal items without asking for their order.
Value sort_key(Machine& machine, const Value& item, const Value& attributes, bool case_sensitive) {
  const Text* text = attributes.text();
  if (text == nullptr) return make_list({item_key(machine, item, attributes, case_sensitive, Value())});
  std::vector<Value> keys;
  const Text comma = Text::by_template(",");
  for (const Value& path : split_text(machine, *text, &comma, -1)) {
    keys.push_back(item_key(machine, item, path, case_sensitive, Value()));
  }
  return make_list(std::move(keys));
}

Value sort(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const Value path = bound.is_absent(2) ? Value(None{}) : bound[2];
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : iterate(machine, input)) {
    keyed.emplace_back(sort_key(machine, item, path, bound.flag_or(1, false)), item);
  }
  sort_values(machine, keyed, bound.flag_or(0, false));
  return make_list(second_of(std::move(keyed)));
}

Value dict_sort(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const Dict* dict = input.dict();
  if (dict == nullptr) throw Failure("dictsort: a mapping is needed, not " + type_name(input));
  const std::string by = bound.has(1) ? bound.text(1).bytes() : "key";
  if (by != "key" && by != "value") throw Failure("dictsort: by is 'key' or 'value'");
  std::vector<std::pair<Value, Value>> keyed;
  for (const auto& [key, value] : dict->items) {
    const Value& what = by == "key" ? key : value;
    keyed.emplace_back(item_key(machine, what, Value(None{}), bound.flag_or(0, false), Value()),
                       make_tuple({key, value}));
  }
  sort_values(machine, keyed, bound.flag_or(2, false));
  return make_list(second_of(std::move(keyed)));
}

Value unique(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("unique", arguments, {"case_sensitive", "attribute"});
  Dict seen;
  std::vector<Value> kept;
  for (const Value& item : iterate(machine, input)) {
    const Value path = bound.is_absent(1) ? Value(None{}) : bound[1];
    const Value key = item_key(machine, item, path, bound.flag_or(0, false), Value());
    require_key(machine, key);
    if (seen.find(key) != nullptr) continue;
    seen.set(key, Value(true));
    kept.push_back(item);
  }
  return make_iterator(std::move(kept));
}

Value extreme(Machine& machine, const Value& input, const Arguments& arguments, bool greatest) {
  const Bound bound(greatest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  std::optional<std::pair<Value, Value>> best;
  for (const Value& item : iterate(machine, input)) {
    const Value path = bound.is_absent(1) ? Value(None{}) : bound[1];
    Value key = item_key(machine, item, path, bound.flag_or(0, false), Value());
    if (!best || (greatest ? less(machine, best->first, key) : less(machine, key, best->first))) {
      best = std::pair(std::move(key), item);
    }
  }
  return best ? best->second : Value::undefined("no aggregated item, the sequence was empty");
}
Value min(Machine& machine, const Value& input, const Arguments& arguments) {
  return extreme(machine, input, arguments, false);
}
Value max(Machine& machine, const Value& input, const Arguments& arguments) {
  return extreme(machine, input, arguments, true);
}

Value sum(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("sum", arguments, {"attribute", "start"});
  Value total = bound.has(1) ? bound[1] : Value(int64_t{0});
  if (total.text() != nullptr) throw Failure("sum: strings cannot be summed");
  for (const Value& item : iterate(machine, input)) {
    const Value term = bound.is_absent(0) ? item : item_key(machine, item, bound[0], true, Value());
    total = binary(machine, BinaryOp::kAdd, total, term);
  }
  return total;
}

Value batch(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("batch", arguments, {"linecount", "fill_with"}, 1);
  const int64_t size = bound.integer(0);
  std::vector<Value> rows, row;
  for (Value& item : iterate(machine, input)) {
    if (static_cast<int64_t>(row.size()) == size) rows.push_back(make_list(std::exchange(row, {})));
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    if (!bound.is_absent(1) && size > static_cast<int64_t>(row.size())) {
      machine.charge(4 * static_cast<size_t>(size));
      row.resize(static_cast<size_t>(size), bound[1]);
    }
    rows.push_back(make_list(std::move(row)));
  }
  return make_iterator(std::move(rows));
}

Value slices(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("slice", arguments, {"slices", "fill_with"}, 1);
  const std::vector<Value> items = iterate(machine, input);
  const int64_t count = bound.integer(0);
  if (count == 0) throw Failure("integer division or modulo by zero");
  machine.charge(4 * static_cast<size_t>(std::max<int64_t>(count, 0)));
  std::vector<Value> columns;
  auto next = items.begin();
  for (int64_t i = 0; i < count; ++i) {
    const auto total = static_cast<int64_t>(items.size());
    const bool extra = i < total % count;
    const auto end = next + total / count + (extra ? 1 : 0);
    std::vector<Value> column(next, end);
    if (!bound.is_absent(1) && !extra) column.push_back(bound[1]);
    columns.push_back(make_list(std::move(column)));
    next = end;
  }
  return make_iterator(std::move(columns));
}

Value group_by(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  const bool case_sensitive = bound.flag_or(2, false);
  const Value otherwise = bound.is_absent(1) ? Value() : bound[1];
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : iterate(machine, input)) {
    keyed.emplace_back(item_key(machine, item, bound[0], case_sensitive, otherwise), item);
  }
  sort_values(machine, keyed, false);
  std::vector<Value> groups;
  for (size_t i = 0; i < keyed.size();) {
    std::vector<Value> members;
    const size_t begin = i;
    for (; i < keyed.size() && equal(machine, keyed[begin].first, keyed[i].first); ++i) {
      members.push_back(keyed[i].second);
    }
    const Value key = item_key(machine, members[0], bound[0], true, otherwise);
    groups.push_back(
        Value(Sequence{Sequence::Style::kTuple, {key, make_list(std::move(members))}, "_GroupTuple", 0}));
  }
  return make_list(std::move(groups));
}

Value map(Machine& machine, const Value& input, const Arguments& arguments) {
  std::vector<Value> mapped;
  Value path(None{}), otherwise;
  std::string name;
  Arguments rest;
  if (arguments.positional.empty()) {
    const Bound bound("map", arguments, {"attribute", "default"}, 1);
    path = bound[0];
    otherwise = bound.is_absent(1) ? Value() : bound[1];
  } else {
    if (arguments.positional[0].text() == nullptr) throw Failure("map: the filter's name must be a string");
    name = arguments.positional[0].text()->bytes();
    rest.positional.assign(arguments.positional.begin() + 1, arguments.positional.end());
    rest.named = arguments.named;
  }
  if (!truthy(input)) return make_iterator({});  // None too
  for (const Value& item : iterate(machine, input)) {
    mapped.push_back(name.empty() ? item_key(machine, item, path, true, otherwise)
                                  : machine.apply_filter(name, item, rest));
  }
  return make_iterator(std::move(mapped));
}

template <bool by_attribute, bool keep>
Value select(Machine& machine, const Value& input, const Arguments& arguments) {
  const size_t offset = by_attribute ? 1 : 0;
  if (arguments.positional.size() < offset) throw Failure("selectattr: the attribute's name is missing");
  std::string test;
  Arguments rest;
  if (arguments.positional.size() > offset) {
    if (arguments.positional[offset].text() == nullptr)
      throw Failure("select: the test's name must be a string");
    test = arguments.positional[offset].text()->bytes();
    rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(offset) + 1,
                           arguments.positional.end());
    rest.named = arguments.named;
  }
  std::vector<Value> kept;
  if (!truthy(input)) return make_iterator({});  // None too
  for (const Value& item : iterate(machine, input)) {
    const Value tested =
        by_attribute ? item_key(machine, item, arguments.positional[0], true, Value()) : item;
    const bool holds = test.empty() ? truthy(tested) : machine.apply_test(test, tested, rest);
    if (holds == keep) kept.push_back(item);
  }
  return make_iterator(std::move(kept));
}

Value items(Machine& machine, const Value& input, const Arguments& arguments) {
  const Bound bound("items", arguments, {});
  if (input.is_undefined()) return make_iterator({});
  const Dict* dict = input.dict();
  if (dict == nullptr) throw Failure("items: a mapping is needed, not " + type_name(input));
  machine.charge(8 * dict->items.size());
  std::vector<Value> pairs;
  for (const auto& [key, value] : dict->items) pairs.push_back(make_tuple({key, value}));
  return make_iterator(std::move(pairs));
}

constexpr NamedFilter kFilters[] = {
    {"batch", batch},
    {"count", length},
    {"dictsort", dict_sort},
    {"first", first},
    {"groupby", group_by},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length},
    {"list", list},
    {"map", map},
    {"max", max},
    {"min", min},
    {"reject", select<false, false>},
    {"rejectattr", select<true, false>},
    {"reverse", reverse},
    {"select", select<false, true>},
    {"selectattr", select<true, true>},
    {"slice", slices},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

}  // namespace

std::span<const NamedFilter> sequence_filters() {
  return kFilters;
}

Value item_key(Machine& machine, const Value& item_value, const Value& path, bool case_sensitive,
               const Value& default_value) {
  Value key = item_value;
  if (const Text* text = path.text()) {
    const Text dot = Text::by_template(".");
    for (const Value& part : split_text(machine, *text, &dot, -1)) {
      const std::string& name = part.text()->bytes();
      const bool is_index =
          !name.empty() && name.size() < 10 && name.find_first_not_of("0123456789") == std::string::npos;
      key = item(machine, key, is_index ? Value(static_cast<int64_t>(std::stol(name))) : part);
      if (key.is_undefined() && !default_value.is_undefined()) key = default_value;
    }
  } else if (!path.is_none() && !path.is_undefined()) {
    key = item(machine, key, path);
    if (key.is_undefined() && !default_value.is_undefined()) key = default_value;
  }
  if (!case_sensitive && key.text() != nullptr) {
    machine.charge_text(4 * key.text()->size());
    return Value(lower_text(*key.text()));
  }
  return key;
}

}  // namespace yoke::jinja
