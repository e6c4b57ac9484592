// Constructors of values and the dictionary.
#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "text/jinja/failure.h"

namespace yoke::jinja {

namespace {

constexpr size_t kMaxKeyBytes = 1 << 20;

int checked_depth(int depth) {
  if (depth > kMaxNesting) throw Failure("values are nested too deeply");
  return depth;
}

}  // namespace

int depth_around(const std::vector<Value>& items) {
  int deepest = 0;
  for (const Value& item : items) deepest = std::max(deepest, item.depth());
  return checked_depth(deepest + 1);
}

Value::Value(Sequence sequence) {
  sequence.depth = depth_around(sequence.items);
  data_ = std::make_shared<const Sequence>(std::move(sequence));
}

Value::Value(Dict dict) {
  int deepest = 0;
  for (const auto& [key, value] : dict.items) deepest = std::max({deepest, key.depth(), value.depth()});
  dict.depth = checked_depth(deepest + 1);
  data_ = std::make_shared<const Dict>(std::move(dict));
}

int Value::depth() const {
  if (const Sequence* s = sequence()) return s->depth;
  if (const Dict* d = dict()) return d->depth;
  if (const Iterator* i = iterator()) return i->depth;
  if (const Callable* c = callable()) return c->depth;
  if (const Loop* l = loop()) return l->depth;
  return 0;
}

Value Value::undefined(std::string what) {
  Value value;
  value.data_ = Undefined{std::move(what)};
  return value;
}

std::optional<int64_t> Value::integer() const {
  if (const auto* b = std::get_if<bool>(&data_)) return *b ? 1 : 0;
  if (const auto* i = std::get_if<int64_t>(&data_)) return *i;
  return std::nullopt;
}

std::optional<double> Value::number() const {
  if (const auto* d = std::get_if<double>(&data_)) return *d;
  if (const auto i = integer()) return static_cast<double>(*i);
  return std::nullopt;
}

std::optional<std::string> key_identity(const Value& key) {
  if (const Text* text = key.text()) return "s" + text->bytes();
  if (key.is_none()) return "n";
  if (key.is_undefined()) return "u";
  if (const auto i = key.integer()) return "i" + std::to_string(*i);
  if (const auto d = key.number()) {
    if (*d == std::floor(*d) && std::abs(*d) < 9.2e18) return "i" + std::to_string(static_cast<int64_t>(*d));
    std::string bits(sizeof(*d), '\0');
    std::memcpy(bits.data(), &*d, sizeof(*d));
    return "f" + bits;
  }
  if (const Sequence* sequence = key.sequence(); sequence != nullptr && sequence->is_tuple()) {
    std::string identity = "t";
    for (const Value& item : sequence->items) {
      const auto part = key_identity(item);
      if (!part) return std::nullopt;
      identity += std::to_string(part->size()) + ":" + *part;
      // Tuples that share their parts can be far larger than they look.
      if (identity.size() > kMaxKeyBytes) throw Failure("a tuple is too large to be a key");
    }
    return identity;
  }
  if (const Callable* callable = key.callable()) {
    return "c" + std::to_string(reinterpret_cast<uintptr_t>(callable));
  }
  return std::nullopt;
}

const Value* Dict::find(const Value& key) const {
  const auto identity = key_identity(key);
  if (!identity) return nullptr;
  const auto found = index.find(*identity);
  return found == index.end() ? nullptr : &items[found->second].second;
}

const Value* Dict::find(std::string_view name) const {
  const auto found = index.find("s" + std::string(name));
  return found == index.end() ? nullptr : &items[found->second].second;
}

void Dict::set(const Value& key, Value value) {
  const auto identity = key_identity(key);
  if (!identity) return;
  const auto [found, added] = index.try_emplace(*identity, items.size());
  if (added) {
    items.emplace_back(key, std::move(value));
  } else {
    items[found->second].second = std::move(value);
  }
}

Value make_list(std::vector<Value> items) {
  return Value(Sequence{Sequence::Style::kList, std::move(items), {}, 0});
}
Value make_tuple(std::vector<Value> items) {
  return Value(Sequence{Sequence::Style::kTuple, std::move(items), {}, 0});
}
Value make_view(std::vector<Value> items, std::string label) {
  return Value(Sequence{Sequence::Style::kView, std::move(items), std::move(label), 0});
}
Value make_iterator(std::vector<Value> items, std::string label) {
  const int depth = depth_around(items);
  return Value(std::make_shared<Iterator>(Iterator{std::move(items), 0, std::move(label), depth}));
}
Value make_callable(std::string name, std::function<Value(Machine&, const Arguments&)> call,
                    int bound_depth) {
  const int depth = checked_depth(bound_depth + 1);
  return Value(
      CallablePtr(std::make_shared<const Callable>(Callable{std::move(name), std::move(call), depth})));
}

}  // namespace yoke::jinja
