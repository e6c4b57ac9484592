// Attributes, items, slices and iteration.
#include <algorithm>

#include "text/jinja/failure.h"
#include "text/jinja/operations.h"

namespace yoke::jinja {
namespace {

Value missing(const Value& object, const std::string& name) {
  return Value::undefined("'" + type_name(object) + " object' has no attribute '" + name + "'");
}

Value loop_changed(const LoopPtr& loop, Machine& machine, const Arguments& arguments) {
  if (loop->last_changed && loop->last_changed->size() == arguments.positional.size()) {
    bool same_as_before = true;
    for (size_t i = 0; i < arguments.positional.size() && same_as_before; ++i) {
      same_as_before = equal(machine, (*loop->last_changed)[i], arguments.positional[i]);
    }
    if (same_as_before) return Value(false);
  }
  // What it holds must not hold the loop again.
  depth_around(arguments.positional);
  for (const Value& value : arguments.positional) {
    if (value.loop() != nullptr || value.callable() != nullptr) throw Failure("loop.changed() of a function");
  }
  loop->last_changed = arguments.positional;
  return Value(true);
}

std::optional<Value> loop_attribute(const Value& object, const std::string& name) {
  const auto& loop = std::get<LoopPtr>(object.data());
  const size_t count = loop->items.size(), i = loop->index0;
  if (name == "index") return Value::size(i + 1);
  if (name == "index0") return Value::size(i);
  if (name == "revindex") return Value::size(count - i);
  if (name == "revindex0") return Value::size(count - i - 1);
  if (name == "first") return Value(i == 0);
  if (name == "last") return Value(i + 1 == count);
  if (name == "length") return Value::size(count);
  if (name == "depth") return Value(loop->depth0 + 1);
  if (name == "depth0") return Value(loop->depth0);
  if (name == "previtem") return i == 0 ? Value::undefined("there is no previous item") : loop->items[i - 1];
  if (name == "nextitem") {
    return i + 1 >= count ? Value::undefined("there is no next item") : loop->items[i + 1];
  }
  if (name == "cycle") {
    return make_callable("cycle", [i](Machine&, const Arguments& arguments) {
      if (arguments.positional.empty()) throw Failure("no items for cycling given");
      return arguments.positional[i % arguments.positional.size()];
    });
  }
  if (name == "changed") {
    return make_callable(
        "changed",
        [loop](Machine& machine, const Arguments& arguments) {
          return loop_changed(loop, machine, arguments);
        },
        loop->depth);
  }
  return std::nullopt;
}

// What Python's getattr finds.
std::optional<Value> own_attribute(const Value& object, const std::string& name) {
  if (const Namespace* space = object.name_space()) {
    const Value* found = space->attributes.find(name);
    return found ? std::optional(*found) : std::nullopt;
  }
  if (object.loop() != nullptr) return loop_attribute(object, name);
  if (const Callable* callable = object.callable(); callable != nullptr && name == "name") {
    return template_text(callable->name);
  }
  if (const Sequence* s = object.sequence(); s != nullptr && s->label == "_GroupTuple") {
    if (name == "grouper") return s->items[0];
    if (name == "list") return s->items[1];
  }
  return method(object, name);
}

// What object[key] finds, without attributes.
std::optional<Value> own_item(const Value& object, const Value& key) {
  if (const Dict* dict = object.dict()) {
    const Value* found = dict->find(key);
    return found ? std::optional(*found) : std::nullopt;
  }
  const auto index = key.integer();
  if (!index) return std::nullopt;
  if (const Sequence* s = object.sequence(); s != nullptr && s->style != Sequence::Style::kView) {
    const auto count = static_cast<int64_t>(s->items.size());
    const int64_t at = *index < 0 ? *index + count : *index;
    if (at < 0 || at >= count) return std::nullopt;
    return s->items[static_cast<size_t>(at)];
  }
  return std::nullopt;
}

std::optional<Value> character_at(Machine& machine, const Text& text, int64_t index) {
  machine.charge(text.size() / 16);
  if (index < 0) index += static_cast<int64_t>(text.length());
  if (index < 0) return std::nullopt;
  size_t at = 0;
  for (; at < text.size() && index > 0; --index) at += text.character_size(at);
  if (at >= text.size()) return std::nullopt;
  return Value(text.slice(at, text.character_size(at)));
}

}  // namespace

Value attribute(Machine&, const Value& object, const std::string& name) {
  require_defined(object);
  if (auto own = own_attribute(object, name)) return *own;
  if (const Dict* dict = object.dict()) {
    if (const Value* found = dict->find(name)) return *found;
  }
  return missing(object, name);
}

Value item(Machine& machine, const Value& object, const Value& key) {
  require_defined(object);
  if (object.text() != nullptr && key.integer()) {
    if (auto character = character_at(machine, *object.text(), *key.integer())) return *character;
    return Value::undefined("a string has no character at " + std::to_string(*key.integer()));
  }
  machine.charge_text(key.text() != nullptr ? key.text()->size() : 0);
  if (auto own = own_item(object, key)) return *own;
  const Text* name = key.text();
  if (name == nullptr) return missing(object, to_text(machine, key).bytes());
  if (auto own = own_attribute(object, name->bytes())) return *own;
  return missing(object, name->bytes());
}

Value slice(Machine& machine, const Value& object, const Value& start, const Value& stop, const Value& step) {
  require_defined(object);
  const auto bound = [](const Value& value) -> std::optional<int64_t> {
    if (value.is_none()) return std::nullopt;
    require_defined(value);
    if (!value.integer()) throw Failure("slice indices must be integers or None");
    return value.integer();
  };
  const std::optional<int64_t> first = bound(start), last = bound(stop);
  const int64_t by = bound(step).value_or(1);
  if (by == 0) throw Failure("slice step cannot be zero");
  const Sequence* sequence = object.sequence();
  const Text* text = object.text();
  if (text == nullptr && (sequence == nullptr || sequence->style == Sequence::Style::kView)) {
    throw Failure("'" + type_name(object) + "' object cannot be sliced");
  }
  machine.charge(text ? 1 + text->size() / 16 : 4 * sequence->items.size());
  const std::vector<size_t> offsets = text ? text->character_offsets() : std::vector<size_t>{};
  const auto count = static_cast<int64_t>(text ? offsets.size() - 1 : sequence->items.size());
  const auto clamp = [&](int64_t value) {
    if (value < 0) value = value < -count ? -1 : value + count;
    return by > 0 ? std::clamp<int64_t>(value, 0, count) : std::clamp<int64_t>(value, -1, count - 1);
  };
  const int64_t from = first ? clamp(*first) : by > 0 ? 0 : count - 1;
  const int64_t to = last ? clamp(*last) : by > 0 ? count : -1;
  if (text && by == 1) {
    if (from >= to) return Value(Text());
    return Value(text->slice(offsets[from], offsets[to] - offsets[from]));
  }
  Text out_text;
  Sequence out{sequence ? sequence->style : Sequence::Style::kList, {}, {}, 0};
  for (int64_t i = from; by > 0 ? i < to : i > to;) {
    if (text) {
      out_text.append(*text, offsets[i], offsets[i + 1] - offsets[i]);
    } else {
      out.items.push_back(sequence->items[i]);
    }
    if (__builtin_add_overflow(i, by, &i)) break;
  }
  if (text) return Value(std::move(out_text));
  if (out.style == Sequence::Style::kRange) out.label = "range(...)";
  return Value(std::move(out));
}

bool is_iterable(const Value& value) {
  return value.is_undefined() || value.text() != nullptr || value.sequence() != nullptr ||
         value.dict() != nullptr || value.iterator() != nullptr || value.loop() != nullptr;
}

std::optional<size_t> length_of(const Value& value) {
  if (value.is_undefined()) return 0;
  if (const Text* text = value.text()) return text->length();
  if (const Sequence* sequence = value.sequence()) return sequence->items.size();
  if (const Dict* dict = value.dict()) return dict->items.size();
  if (const Loop* loop = value.loop()) return loop->items.size();
  return std::nullopt;
}

std::vector<Value> characters(Machine& machine, const Text& text) {
  machine.charge(16 * text.size());
  std::vector<Value> all;
  for (size_t at = 0; at < text.size();) {
    const size_t size = text.character_size(at);
    all.push_back(Value(text.slice(at, size)));
    at += size;
  }
  return all;
}

std::vector<Value> iterate(Machine& machine, const Value& value) {
  if (value.is_undefined()) return {};
  if (const Text* text = value.text()) return characters(machine, *text);
  if (const Sequence* sequence = value.sequence()) {
    machine.charge(4 * sequence->items.size());
    return sequence->items;
  }
  if (const Dict* dict = value.dict()) {
    machine.charge(4 * dict->items.size());
    std::vector<Value> keys;
    for (const auto& [key, item_value] : dict->items) keys.push_back(key);
    return keys;
  }
  if (Iterator* iterator = value.iterator()) {
    machine.charge(4 * (iterator->items.size() - iterator->next));
    std::vector<Value> rest(iterator->items.begin() + static_cast<std::ptrdiff_t>(iterator->next),
                            iterator->items.end());
    iterator->next = iterator->items.size();
    return rest;
  }
  throw Failure("'" + type_name(value) + "' object is not iterable");
}

}  // namespace yoke::jinja
