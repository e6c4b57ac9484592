// Python's operators on values: truth, equality, order, membership, arithmetic, attributes, items, iteration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/machine.h"
#include "text/jinja/value.h"

namespace yoke::jinja {

// "str", "dict" ...: Python's names, for errors.
std::string type_name(const Value& value);
// Throws where the value is undefined, saying what was missing.
void require_defined(const Value& value);

// Throws where the value cannot be a dictionary's key.
void require_key(Machine& machine, const Value& key);

bool truthy(const Value& value);
bool equal(Machine& machine, const Value& a, const Value& b);
bool same(const Value& a, const Value& b);                    // Python's "is"
bool less(Machine& machine, const Value& a, const Value& b);  // throws where there is no order
bool contains(Machine& machine, const Value& container, const Value& item);
Value binary(Machine& machine, BinaryOp op, const Value& a, const Value& b);
Value unary(UnaryOp op, const Value& value);

// object.name and object[key] as templates have them; undefined where there is none.
Value attribute(Machine& machine, const Value& object, const std::string& name);
Value item(Machine& machine, const Value& object, const Value& key);
Value slice(Machine& machine, const Value& object, const Value& start, const Value& stop, const Value& step);

bool is_iterable(const Value& value);
std::optional<size_t> length_of(const Value& value);
// Takes what is left of an iterator. Throws where the value is not iterable.
std::vector<Value> iterate(Machine& machine, const Value& value);
std::vector<Value> characters(Machine& machine, const Text& text);

// The methods of strings, lists and dictionaries, bound to the value. None: no such method. An undefined
// value: a method that the sandbox refuses because it would change the value.
std::optional<Value> method(const Value& object, std::string_view name);
std::optional<Value> text_method(const Value& object, std::string_view name);

// str(value) and repr(value).
Text to_text(Machine& machine, const Value& value);
Text repr(Machine& machine, const Value& value);
std::string float_repr(double value);

}  // namespace yoke::jinja
