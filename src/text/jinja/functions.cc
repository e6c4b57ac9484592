// Global functions, each as Jinja or Hugging Face define it.
#include "text/jinja/functions.h"

#include <array>
#include <limits>

#include "text/jinja/arguments.h"
#include "text/jinja/failure.h"
#include "text/jinja/operations.h"

namespace yoke::jinja {
namespace {

constexpr int64_t kMaxRange = 100000;  // the sandbox's

Value range(Machine& machine, const Arguments& arguments) {
  if (!arguments.named.empty()) throw Failure("range() takes no keyword arguments");
  const size_t count = arguments.positional.size();
  if (count < 1 || count > 3) throw Failure("range() takes 1 to 3 arguments");
  std::array<int64_t, 3> given{};
  for (size_t i = 0; i < count; ++i) {
    const auto value = arguments.positional[i].integer();
    require_defined(arguments.positional[i]);
    if (!value) throw Failure("range() takes integers, not " + type_name(arguments.positional[i]));
    given[i] = *value;
  }
  const int64_t start = count == 1 ? 0 : given[0];
  const int64_t stop = count == 1 ? given[0] : given[1];
  const int64_t step = count == 3 ? given[2] : 1;
  if (step == 0) throw Failure("range(): the step is zero");
  Sequence sequence;
  sequence.style = Sequence::Style::kRange;
  sequence.label = "range(" + std::to_string(start) + ", " + std::to_string(stop) +
                   (step == 1 ? "" : ", " + std::to_string(step)) + ")";
  int64_t at = start;
  while (step > 0 ? at < stop : at > stop) {
    if (sequence.items.size() >= kMaxRange) throw Failure("range() of more than 100000 numbers");
    sequence.items.push_back(Value(at));
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  machine.charge(sequence.items.size());
  return Value(std::move(sequence));
}

// dict(mapping, name=value ...), also of pairs.
Dict dict_of(Machine& machine, std::string_view function, const Arguments& arguments) {
  Dict dict;
  if (arguments.positional.size() > 1) throw Failure(std::string(function) + "() takes at most 1 argument");
  if (!arguments.positional.empty()) {
    const Value& from = arguments.positional[0];
    if (const Dict* other = from.dict()) {
      dict = *other;
    } else {
      for (const Value& pair : iterate(machine, from)) {
        const std::vector<Value> parts = iterate(machine, pair);
        if (parts.size() != 2) throw Failure(std::string(function) + "() takes pairs");
        require_key(machine, parts[0]);
        dict.set(parts[0], parts[1]);
      }
    }
    machine.charge(4 * dict.items.size());
  }
  for (const auto& [name, value] : arguments.named) dict.set(template_text(name), value);
  return dict;
}

Value dict(Machine& machine, const Arguments& arguments) {
  return Value(dict_of(machine, "dict", arguments));
}

Value make_namespace(Machine& machine, const Arguments& arguments) {
  NamespacePtr space = machine.new_namespace();
  space->attributes = dict_of(machine, "namespace", arguments);
  return Value(std::move(space));
}

Value raise_exception(Machine& machine, const Arguments& arguments) {
  const Bound bound("raise_exception", arguments, {"message"}, 1);
  throw Raised(to_text(machine, bound[0]).bytes());
}

Value strftime_now(Machine& machine, const Arguments& arguments) {
  const Bound bound("strftime_now", arguments, {"format"}, 1);
  const Text& format = bound.text(0);
  if (format.size() > 4096) throw Failure("strftime_now(): the format is too long");
  const std::tm now = machine.now();
  std::string shown(format.size() * 64 + 256, '\0');
  shown.resize(std::strftime(shown.data(), shown.size(), format.bytes().c_str(), &now));
  Text text;
  text.append_marked(shown, format.any_by_people());
  return Value(std::move(text));
}

// cycler(a, b ...).next() gives them in turn.
Value cycler(Machine& machine, const Arguments& arguments) {
  if (arguments.positional.empty()) throw Failure("cycler() takes at least one argument");
  const NamespacePtr state = machine.new_namespace();
  const Value items = make_tuple(arguments.positional);
  const auto set_position = [](Namespace& space, const Value& all, size_t position) {
    space.attributes.set(template_text("position"), Value::size(position));
    space.attributes.set(template_text("current"), all.sequence()->items[position]);
  };
  set_position(*state, items, 0);
  const auto next = [items, set_position, weak = std::weak_ptr<Namespace>(state)](Machine&,
                                                                                  const Arguments&) {
    const NamespacePtr space = weak.lock();
    if (!space) return Value();
    Value current = *space->attributes.find(std::string_view("current"));
    const auto position =
        static_cast<size_t>(*space->attributes.find(std::string_view("position"))->integer());
    set_position(*space, items, (position + 1) % items.sequence()->items.size());
    return current;
  };
  const auto reset = [items, set_position, weak = std::weak_ptr<Namespace>(state)](Machine&,
                                                                                   const Arguments&) {
    if (const NamespacePtr space = weak.lock()) set_position(*space, items, 0);
    return Value(None{});
  };
  state->attributes.set(template_text("next"), make_callable("next", next, items.depth()));
  state->attributes.set(template_text("reset"), make_callable("reset", reset, items.depth()));
  return Value(state);
}

// joiner(sep)() gives nothing at first and the separator from then on.
Value joiner(Machine&, const Arguments& arguments) {
  const Bound bound("joiner", arguments, {"sep"});
  const Value separator = bound.has(0) ? bound[0] : template_text(", ");
  auto used = std::make_shared<bool>(false);
  return make_callable(
      "joiner",
      [separator, used](Machine&, const Arguments&) {
        return std::exchange(*used, true) ? separator : template_text("");
      },
      separator.depth());
}

}  // namespace

std::vector<std::pair<std::string, Value>> global_functions() {
  const std::pair<const char*, Value (*)(Machine&, const Arguments&)> functions[] = {
      {"range", range},
      {"dict", dict},
      {"namespace", make_namespace},
      {"raise_exception", raise_exception},
      {"strftime_now", strftime_now},
      {"cycler", cycler},
      {"joiner", joiner},
  };
  std::vector<std::pair<std::string, Value>> made;
  for (const auto& [name, function] : functions) made.emplace_back(name, make_callable(name, function));
  return made;
}

}  // namespace yoke::jinja
