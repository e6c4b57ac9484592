// The values of a template: Python's, as far as templates can see them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/text.h"

namespace yoke::jinja {

inline constexpr int kMaxNesting = 200;

class Machine;
class Value;
struct Dict;
struct Sequence;
struct Iterator;
struct Namespace;
struct Callable;
struct Loop;

// What a lookup of nothing gives: prints as nothing, and may be tested but not used.
struct Undefined {
  std::string what;  // "'name' is undefined", for the error when it is used
};
struct None {};

using TextPtr = std::shared_ptr<const Text>;
using SequencePtr = std::shared_ptr<const Sequence>;
using DictPtr = std::shared_ptr<const Dict>;
using IteratorPtr = std::shared_ptr<Iterator>;
using NamespacePtr = std::shared_ptr<Namespace>;
using CallablePtr = std::shared_ptr<const Callable>;
using LoopPtr = std::shared_ptr<Loop>;

// Values cannot change (the sandbox forbids it), but for namespaces, iterators and loops.
class Value {
 public:
  using Data = std::variant<Undefined, None, bool, int64_t, double, TextPtr, SequencePtr, DictPtr,
                            IteratorPtr, NamespacePtr, CallablePtr, LoopPtr>;

  Value() = default;  // undefined
  // Results of filters and literals become values by themselves.
  // NOLINTBEGIN(google-explicit-constructor)
  Value(None none) : data_(none) {}
  Value(bool value) : data_(value) {}
  Value(int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(Text text) : data_(std::make_shared<const Text>(std::move(text))) {}
  Value(Sequence sequence);
  Value(Dict dict);
  Value(IteratorPtr iterator) : data_(std::move(iterator)) {}
  Value(NamespacePtr space) : data_(std::move(space)) {}
  Value(CallablePtr callable) : data_(std::move(callable)) {}
  Value(LoopPtr loop) : data_(std::move(loop)) {}
  Value(const char*) = delete;  // would be a bool
  // NOLINTEND(google-explicit-constructor)

  static Value undefined(std::string what);
  static Value size(size_t count) { return Value(static_cast<int64_t>(count)); }

  bool is_undefined() const { return is<Undefined>(); }
  bool is_none() const { return is<None>(); }
  bool is_number() const { return is<bool>() || is<int64_t>() || is<double>(); }

  // Null where the value is something else.
  const Text* text() const { return get<Text, TextPtr>(); }
  const Sequence* sequence() const { return get<Sequence, SequencePtr>(); }
  const Dict* dict() const { return get<Dict, DictPtr>(); }
  Iterator* iterator() const { return get<Iterator, IteratorPtr>(); }
  Namespace* name_space() const { return get<Namespace, NamespacePtr>(); }
  const Callable* callable() const { return get<Callable, CallablePtr>(); }
  Loop* loop() const { return get<Loop, LoopPtr>(); }
  std::optional<int64_t> integer() const;  // a bool counts as one, as in Python
  std::optional<double> number() const;

  // How deep lists, dictionaries and what else holds values are nested; at most kMaxNesting, so that no
  // recursion over values (destruction included) is endless.
  int depth() const;

  const Data& data() const { return data_; }

 private:
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(data_);
  }
  template <typename T, typename Pointer>
  auto get() const -> decltype(std::declval<Pointer>().get()) {
    const Pointer* pointer = std::get_if<Pointer>(&data_);
    return pointer == nullptr ? nullptr : pointer->get();
  }

  Data data_;
};

// What comes in a row and has a length.
struct Sequence {
  enum class Style { kList, kTuple, kRange, kView };
  Style style = Style::kList;
  std::vector<Value> items;
  std::string label;  // kRange: how it prints; kView: Python's name for it, "dict_items"
  int depth = 0;      // set when it becomes a Value
  bool is_list() const { return style == Style::kList; }
  bool is_tuple() const { return style == Style::kTuple; }
};

// Keeps the order of insertion.
struct Dict {
  std::vector<std::pair<Value, Value>> items;
  std::unordered_map<std::string, size_t> index;  // key's identity -> place in items
  int depth = 0;                                  // set when it becomes a Value

  // Null: not there. The key must be hashable (see key_identity).
  const Value* find(const Value& key) const;
  const Value* find(std::string_view name) const;
  void set(const Value& key, Value value);
};

// 1, 1.0 and True are the same key. None where a value cannot be a key.
std::optional<std::string> key_identity(const Value& key);

// A generator: what is read from it is gone.
struct Iterator {
  std::vector<Value> items;
  size_t next = 0;
  std::string label = "generator";
  int depth = 0;
};

struct Namespace {
  Dict attributes;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

struct Callable {
  std::string name;
  std::function<Value(Machine&, const Arguments&)> call;
  int depth = 0;  // of the value that it is bound to
};

// The variable `loop`.
struct Loop {
  std::vector<Value> items;
  size_t index0 = 0;
  int64_t depth0 = 0;
  std::optional<std::vector<Value>> last_changed;
  CallablePtr recurse;  // null: the loop is not recursive
  int depth = 0;
};

// One more than the deepest of them. Throws Failure beyond kMaxNesting.
int depth_around(const std::vector<Value>& items);

Value make_list(std::vector<Value> items);
Value make_tuple(std::vector<Value> items);
Value make_view(std::vector<Value> items, std::string label);
Value make_iterator(std::vector<Value> items, std::string label = "generator");
Value make_callable(std::string name, std::function<Value(Machine&, const Arguments&)> call,
                    int bound_depth = 0);
inline Value template_text(std::string_view bytes) {
  return Value(Text::by_template(bytes));
}

}  // namespace yoke::jinja
