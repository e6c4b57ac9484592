// Executes statements.
#include <algorithm>

#include "text/jinja/failure.h"
#include "text/jinja/functions.h"
#include "text/jinja/machine.h"
#include "text/jinja/operations.h"

namespace yoke::jinja {
namespace {

constexpr size_t kBytesPerWork = 8;

FramePtr inside(const FramePtr& parent) {
  return std::make_shared<Frame>(Frame{{}, parent, false});
}

}  // namespace

const Value* Frame::find(std::string_view name) const {
  for (const auto& [known, value] : variables) {
    if (known == name) return &value;
  }
  return nullptr;
}

void Frame::set(std::string_view name, Value value) {
  for (auto& [known, old] : variables) {
    if (known == name) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(std::string(name), std::move(value));
}

Machine::Deeper::Deeper(Machine& machine) : machine_(machine) {
  if (machine_.depth_ >= machine_.limits_.depth) throw Failure("the evaluation is nested too deeply");
  ++machine_.depth_;
}

// Frames and namespaces may hold each other in circles.
Machine::~Machine() {
  for (const NamespacePtr& space : namespaces_) space->attributes = {};
  for (const FramePtr& frame : captured_frames_) frame->variables.clear();
}

void Machine::charge(size_t work) {
  work_ += std::min(work, limits_.work);
  if (work_ > limits_.work) throw Failure("the template takes too many steps");
}

void Machine::charge_text(size_t bytes) {
  if (bytes > limits_.text_bytes) throw Failure("the template makes too much text");
  charge(1 + bytes / kBytesPerWork);
}

NamespacePtr Machine::new_namespace() {
  namespaces_.push_back(std::make_shared<Namespace>());
  return namespaces_.back();
}

std::tm Machine::now() const {
  if (now_) return *now_;
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

void Machine::append(Text& out, const Text& text) {
  charge_text(text.size());
  if (out.size() + text.size() > limits_.text_bytes) throw Failure("the template makes too much text");
  out.append(text);
}

Text Machine::run(const Block& block, std::vector<std::pair<std::string, Value>> variables) {
  auto globals = std::make_shared<Frame>();
  globals->variables = global_functions();
  auto context = inside(globals);
  for (auto& variable : variables) context->set(variable.first, std::move(variable.second));
  return captured(block, inside(context));
}

struct Machine::Executor {
  Machine& machine;
  const FramePtr& frame;
  Text& out;

  Value eval(const ExpressionPtr& e) const { return machine.evaluate(e, frame); }

  Flow operator()(const TextStatement& s) const {
    machine.append(out, *s.text.text());
    return Flow::kNormal;
  }
  Flow operator()(const Output& s) const {
    for (const ExpressionPtr& e : s.expressions) machine.append(out, to_text(machine, eval(e)));
    return Flow::kNormal;
  }
  Flow operator()(const If& s) const {
    for (const If::Branch& branch : s.branches) {
      if (truthy(eval(branch.condition))) return machine.execute(branch.body, frame, out);
    }
    return machine.execute(s.otherwise, frame, out);
  }
  Flow operator()(const For& s) const { return machine.run_for(s, eval(s.iterable), 0, frame, out); }
  Flow operator()(const Set& s) const {
    machine.assign(s.target, eval(s.value), frame);
    return Flow::kNormal;
  }
  Flow operator()(const SetBlock& s) const {
    Value value(machine.captured(s.body, inside(frame)));
    machine.assign(s.target, machine.filtered(s.filters, std::move(value), frame), frame);
    return Flow::kNormal;
  }
  Flow operator()(const FilterBlock& s) const {
    Value value(machine.captured(s.body, inside(frame)));
    value = machine.filtered(s.filters, std::move(value), frame);
    machine.append(out, to_text(machine, value));
    return Flow::kNormal;
  }
  Flow operator()(const With& s) const {
    const FramePtr scope = inside(frame);
    for (const auto& [target, value] : s.variables) machine.assign(target, eval(value), scope);
    return machine.execute(s.body, scope, out);
  }
  Flow operator()(const Macro& s) const {
    frame->set(s.name, machine.make_macro(s.name, s.signature, s.body, frame));
    return Flow::kNormal;
  }
  Flow operator()(const CallBlock& s) const {
    const Value caller = machine.make_macro("caller", s.signature, s.body, frame);
    const auto& call = std::get<Call>(s.call->node);
    const Value callee = eval(call.callee);
    Arguments arguments = machine.arguments(call.arguments, frame);
    arguments.named.emplace_back("caller", caller);
    machine.append(out, to_text(machine, machine.call(callee, arguments)));
    return Flow::kNormal;
  }
  Flow operator()(const Scope& s) const { return machine.execute(s.body, inside(frame), out); }
  Flow operator()(const Break&) const { return Flow::kBreak; }
  Flow operator()(const Continue&) const { return Flow::kContinue; }
};

Machine::Flow Machine::execute(const Block& block, const FramePtr& frame, Text& out) {
  const Deeper deeper(*this);
  for (const Statement& statement : block) {
    charge(1);
    line_ = statement.line;
    const Flow flow = std::visit(Executor{*this, frame, out}, statement.node);
    if (flow != Flow::kNormal) return flow;
  }
  return Flow::kNormal;
}

Text Machine::captured(const Block& block, const FramePtr& frame) {
  Text text;
  execute(block, frame, text);
  return text;
}

Machine::Flow Machine::run_for(const For& loop, const Value& iterable, int64_t depth, const FramePtr& frame,
                               Text& out) {
  auto state = std::make_shared<Loop>();
  for (Value& value : iterate(*this, iterable)) {
    if (loop.filter) {
      const FramePtr scope = inside(frame);
      assign(loop.target, value, scope);
      if (!truthy(evaluate(loop.filter, scope))) continue;
    }
    state->items.push_back(std::move(value));
  }
  state->depth = depth_around(state->items);
  state->depth0 = depth;
  if (loop.recursive) {
    const auto again = [&loop, depth, frame](Machine& machine, const Arguments& arguments) {
      if (arguments.positional.size() != 1) throw Failure("loop() takes one argument");
      Text text;
      machine.run_for(loop, arguments.positional[0], depth + 1, frame, text);
      return Value(std::move(text));
    };
    state->recurse = std::make_shared<const Callable>(Callable{"loop", again, 0});
  }
  // Jinja runs the else where no round reached the end of the body, be it for a break.
  bool completed = false;
  for (; state->index0 < state->items.size(); ++state->index0) {
    charge(1);
    const FramePtr scope = inside(frame);
    scope->set("loop", Value(state));
    assign(loop.target, state->items[state->index0], scope);
    const Flow flow = execute(loop.body, scope, out);
    completed = completed || flow == Flow::kNormal;
    if (flow == Flow::kBreak) break;
  }
  if (!completed) return execute(loop.otherwise, inside(frame), out);
  return Flow::kNormal;
}

void Machine::assign(const Target& target, const Value& value, const FramePtr& frame) {
  if (target.unpack) {
    const std::vector<Value> parts = iterate(*this, value);
    if (parts.size() != target.parts.size()) {
      throw Failure("cannot unpack " + std::to_string(parts.size()) + " values into " +
                    std::to_string(target.parts.size()) + " names");
    }
    for (size_t i = 0; i < parts.size(); ++i) assign(target.parts[i], parts[i], frame);
    return;
  }
  if (target.attribute.empty()) {
    frame->set(target.name, value);
    return;
  }
  const Value* space = nullptr;
  for (const Frame* f = frame.get(); f != nullptr && space == nullptr; f = f->parent.get()) {
    space = f->find(target.name);
  }
  if (space == nullptr || space->name_space() == nullptr) {
    throw Failure("'" + target.name + "' is not a namespace: its attributes cannot be set");
  }
  space->name_space()->attributes.set(template_text(target.attribute), value);
}

Value Machine::make_macro(const std::string& name, const Signature& signature, const Block& body,
                          const FramePtr& frame) {
  for (FramePtr f = frame; f != nullptr && !f->captured; f = f->parent) {
    f->captured = true;
    captured_frames_.push_back(f);
  }
  return make_callable(name, [&signature, &body, frame, name](Machine& machine, const Arguments& given) {
    return Value(machine.call_macro(name, signature, body, frame, given));
  });
}

Text Machine::call_macro(const std::string& name, const Signature& signature, const Block& body,
                         const FramePtr& defined_in, const Arguments& given) {
  const FramePtr frame = inside(defined_in);
  const size_t count = signature.parameters.size();
  if (given.positional.size() > count && !signature.uses_varargs) {
    throw Failure("macro '" + name + "' takes not more than " + std::to_string(count) + " arguments");
  }
  std::vector<bool> used(given.named.size(), false);
  const auto named = [&](std::string_view wanted) -> const Value* {
    for (size_t i = 0; i < given.named.size(); ++i) {
      if (used[i] || given.named[i].first != wanted) continue;
      used[i] = true;
      return &given.named[i].second;
    }
    return nullptr;
  };
  for (size_t i = 0; i < count; ++i) {
    const Parameter& parameter = signature.parameters[i];
    Value value = Value::undefined("parameter '" + parameter.name + "' was not provided");
    if (i < given.positional.size()) {
      value = given.positional[i];
    } else if (const Value* found = named(parameter.name)) {
      value = *found;
    } else if (parameter.default_value) {
      value = evaluate(parameter.default_value, frame);
    }
    frame->set(parameter.name, std::move(value));
  }
  if (signature.uses_caller) {
    const Value* caller = named("caller");
    frame->set("caller", caller ? *caller : Value::undefined("no caller defined"));
  }
  Dict kwargs;
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    if (!signature.uses_kwargs) {
      throw Failure("macro '" + name + "' takes no argument '" + given.named[i].first + "'");
    }
    kwargs.set(template_text(given.named[i].first), given.named[i].second);
  }
  if (signature.uses_kwargs) frame->set("kwargs", Value(std::move(kwargs)));
  if (signature.uses_varargs) {
    std::vector<Value> rest;
    for (size_t i = count; i < given.positional.size(); ++i) rest.push_back(given.positional[i]);
    frame->set("varargs", make_tuple(std::move(rest)));
  }
  return captured(body, frame);
}

}  // namespace yoke::jinja
