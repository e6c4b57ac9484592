// Evaluates expressions.
#include "text/jinja/failure.h"
#include "text/jinja/machine.h"
#include "text/jinja/operations.h"

namespace yoke::jinja {
namespace {

bool holds(Machine& machine, CompareOp op, const Value& left, const Value& right) {
  switch (op) {
    case CompareOp::kEqual:
      return equal(machine, left, right);
    case CompareOp::kNotEqual:
      return !equal(machine, left, right);
    case CompareOp::kLess:
      return less(machine, left, right);
    case CompareOp::kGreater:
      return less(machine, right, left);
    case CompareOp::kLessEqual:
      return less(machine, left, right) || equal(machine, left, right);
    case CompareOp::kGreaterEqual:
      return less(machine, right, left) || equal(machine, left, right);
    case CompareOp::kIn:
      return contains(machine, right, left);
    case CompareOp::kNotIn:
      return !contains(machine, right, left);
  }
  return false;
}

}  // namespace

struct Machine::Evaluator {
  Machine& machine;
  const FramePtr& frame;

  Value eval(const ExpressionPtr& e) const { return machine.evaluate(e, frame); }
  std::vector<Value> eval_all(const std::vector<ExpressionPtr>& expressions) const {
    std::vector<Value> values;
    values.reserve(expressions.size());
    for (const ExpressionPtr& e : expressions) values.push_back(eval(e));
    return values;
  }

  Value operator()(const Constant& e) const { return e.value; }
  Value operator()(const Name& e) const {
    for (const Frame* f = frame.get(); f != nullptr; f = f->parent.get()) {
      if (const Value* value = f->find(e.name)) return *value;
    }
    return Value::undefined("'" + e.name + "' is undefined");
  }
  Value operator()(const ListLiteral& e) const {
    return e.tuple ? make_tuple(eval_all(e.items)) : make_list(eval_all(e.items));
  }
  Value operator()(const DictLiteral& e) const {
    Dict dict;
    for (const auto& [key_expression, value_expression] : e.items) {
      const Value key = eval(key_expression);
      require_key(machine, key);
      dict.set(key, eval(value_expression));
    }
    return Value(std::move(dict));
  }
  Value operator()(const Attribute& e) const { return attribute(machine, eval(e.object), e.name); }
  Value operator()(const Item& e) const {
    const Value object = eval(e.object);
    return item(machine, object, eval(e.key));
  }
  Value operator()(const Slice& e) const {
    const Value object = eval(e.object);
    const auto bound = [&](const ExpressionPtr& b) { return b ? eval(b) : Value(None{}); };
    const Value start = bound(e.start), stop = bound(e.stop), step = bound(e.step);
    return slice(machine, object, start, stop, step);
  }
  Value operator()(const Call& e) const {
    const Value callee = eval(e.callee);
    return machine.call(callee, machine.arguments(e.arguments, frame));
  }
  Value operator()(const Filter& e) const {
    const Value input = eval(e.input);
    return machine.apply_filter(e.name, input, machine.arguments(e.arguments, frame));
  }
  Value operator()(const Test& e) const {
    const Value input = eval(e.input);
    return Value(machine.apply_test(e.name, input, machine.arguments(e.arguments, frame)));
  }
  Value operator()(const Unary& e) const {
    const Value operand = eval(e.operand);
    return unary(e.op, operand);
  }
  Value operator()(const Binary& e) const {
    const Value left = eval(e.left);
    return binary(machine, e.op, left, eval(e.right));
  }
  Value operator()(const Logical& e) const {
    Value left = eval(e.left);
    return truthy(left) == e.is_and ? eval(e.right) : left;
  }
  Value operator()(const Concatenation& e) const {
    Text text;
    for (const Value& part : eval_all(e.parts)) machine.append(text, to_text(machine, part));
    return Value(std::move(text));
  }
  Value operator()(const Comparison& e) const { return Value(machine.compare(e, frame)); }
  Value operator()(const Conditional& e) const {
    if (truthy(eval(e.condition))) return eval(e.then);
    if (e.otherwise) return eval(e.otherwise);
    return Value::undefined("the inline if-expression has no else, and its condition is false");
  }
};

Value Machine::evaluate(const ExpressionPtr& expression, const FramePtr& frame) {
  const Deeper deeper(*this);
  charge(1);
  line_ = expression->line;
  return std::visit(Evaluator{*this, frame}, expression->node);
}

bool Machine::compare(const Comparison& comparison, const FramePtr& frame) {
  Value left = evaluate(comparison.first, frame);
  for (const auto& [op, operand] : comparison.rest) {
    Value right = evaluate(operand, frame);
    if (!holds(*this, op, left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Arguments Machine::arguments(const CallArguments& call, const FramePtr& frame) {
  Arguments made;
  for (const ExpressionPtr& e : call.positional) made.positional.push_back(evaluate(e, frame));
  for (const auto& [name, e] : call.named) made.named.emplace_back(name, evaluate(e, frame));
  if (call.more_positional) {
    for (Value& value : iterate(*this, evaluate(call.more_positional, frame))) {
      made.positional.push_back(std::move(value));
    }
  }
  if (call.more_named) {
    const Value more = evaluate(call.more_named, frame);
    const Dict* dict = more.dict();
    if (dict == nullptr) throw Failure("argument after ** must be a mapping, not " + type_name(more));
    for (const auto& [key, value] : dict->items) {
      if (key.text() == nullptr) throw Failure("keywords must be strings");
      for (const auto& [name, given] : made.named) {
        if (name == key.text()->bytes()) throw Failure("got two values for argument '" + name + "'");
      }
      made.named.emplace_back(key.text()->bytes(), value);
    }
    charge(dict->items.size());
  }
  return made;
}

Value Machine::filtered(const std::vector<Filter>& filters, Value value, const FramePtr& frame) {
  for (const Filter& filter : filters) {
    value = apply_filter(filter.name, value, arguments(filter.arguments, frame));
  }
  return value;
}

Value Machine::call(const Value& callee, const Arguments& arguments) {
  const Deeper deeper(*this);
  charge(1);
  if (const Callable* callable = callee.callable()) {
    // The call may rebind the name that holds it.
    const Value keep_alive = callee;  // NOLINT(performance-unnecessary-copy-initialization)
    return callable->call(*this, arguments);
  }
  if (const Loop* loop = callee.loop()) {
    if (!loop->recurse) throw Failure("the loop must be marked 'recursive' to be called");
    const CallablePtr recurse = loop->recurse;
    return recurse->call(*this, arguments);
  }
  require_defined(callee);
  throw Failure("'" + type_name(callee) + "' object is not callable");
}

}  // namespace yoke::jinja
