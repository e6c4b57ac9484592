// How values print: Python's str() and repr().
#include <charconv>
#include <cmath>

#include "text/jinja/failure.h"
#include "text/jinja/operations.h"
#include "text/jinja/unicode.h"
#include "text/utf8.h"

namespace yoke::jinja {
namespace {

void append_escape(std::string& out, char32_t c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const int width = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
  out += width == 2 ? "\\x" : width == 4 ? "\\u" : "\\U";
  for (int shift = (width - 1) * 4; shift >= 0; shift -= 4) out.push_back(digits[c >> shift & 0xF]);
}

// 'text', or "text" where it holds a single quote and no double one.
Text text_repr(const Text& text) {
  const std::string& bytes = text.bytes();
  const bool use_double = bytes.find('\'') != std::string::npos && bytes.find('"') == std::string::npos;
  const char quote = use_double ? '"' : '\'';
  Text out;
  out.append_template(std::string(1, quote));
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = text.character_size(at);
    const bool valid = utf8_length(bytes, at) != 0;
    const char32_t c = valid ? utf8_code_point(bytes, at, size) : 0;
    std::string escaped;
    if (bytes[at] == quote || bytes[at] == '\\') {
      escaped.push_back('\\');
      escaped.push_back(bytes[at]);
    } else if (bytes[at] == '\n' || bytes[at] == '\r' || bytes[at] == '\t') {
      escaped.push_back('\\');
      escaped.push_back(bytes[at] == '\n' ? 'n' : bytes[at] == '\r' ? 'r' : 't');
    } else if (valid && !has_class(c, CharacterClass::kPrintable)) {
      append_escape(escaped, c);
    }
    if (escaped.empty()) {
      out.append(text, at, size);
    } else {
      out.append_marked(escaped, text.by_people_at(at));
    }
    at += size;
  }
  out.append_template(std::string(1, quote));
  return out;
}

// Items between brackets.
class Listing {
 public:
  Listing(Machine& machine, Text& out) : machine_(machine), out_(out) {}
  void add(const Value& value) {
    if (!std::exchange(first_, false)) out_.append_template(", ");
    append(value);
  }
  void append(const Value& value) {
    out_.append(repr(machine_, value));
    machine_.charge_text(out_.size());
  }

 private:
  Machine& machine_;
  Text& out_;
  bool first_ = true;
};

void append_dict(Machine& machine, Text& out, const Dict& dict) {
  out.append_template("{");
  Listing listing(machine, out);
  for (const auto& [key, value] : dict.items) {
    listing.add(key);
    out.append_template(": ");
    listing.append(value);
  }
  out.append_template("}");
}

void append_sequence(Machine& machine, Text& out, const Sequence& sequence) {
  if (sequence.style == Sequence::Style::kRange) {
    out.append_template(sequence.label);
    return;
  }
  const bool view = sequence.style == Sequence::Style::kView;
  if (view) out.append_template(sequence.label + "(");
  out.append_template(sequence.is_tuple() ? "(" : "[");
  Listing listing(machine, out);
  for (const Value& item : sequence.items) listing.add(item);
  if (sequence.is_tuple() && sequence.items.size() == 1) out.append_template(",");
  out.append_template(sequence.is_tuple() ? ")" : "]");
  if (view) out.append_template(")");
}

}  // namespace

std::string type_name(const Value& value) {
  struct Names {
    std::string operator()(const Undefined&) const { return "Undefined"; }
    std::string operator()(const None&) const { return "NoneType"; }
    std::string operator()(bool) const { return "bool"; }
    std::string operator()(int64_t) const { return "int"; }
    std::string operator()(double) const { return "float"; }
    std::string operator()(const TextPtr&) const { return "str"; }
    std::string operator()(const SequencePtr& s) const {
      switch (s->style) {
        case Sequence::Style::kList:
          return "list";
        case Sequence::Style::kTuple:
          return "tuple";
        case Sequence::Style::kRange:
          return "range";
        case Sequence::Style::kView:
          return s->label;
      }
      return "";
    }
    std::string operator()(const DictPtr&) const { return "dict"; }
    std::string operator()(const IteratorPtr& i) const { return i->label; }
    std::string operator()(const NamespacePtr&) const { return "Namespace"; }
    std::string operator()(const CallablePtr&) const { return "function"; }
    std::string operator()(const LoopPtr&) const { return "LoopContext"; }
  };
  return std::visit(Names{}, value.data());
}

void require_defined(const Value& value) {
  if (const auto* undefined = std::get_if<Undefined>(&value.data())) {
    throw Failure(undefined->what.empty() ? "an undefined value is used" : undefined->what);
  }
}

void require_key(Machine& machine, const Value& key) {
  machine.charge_text(key.text() != nullptr ? key.text()->size() : 0);
  if (!key_identity(key)) throw Failure("unhashable type: '" + type_name(key) + "'");
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  // The shortest digits that read back as the same number, in scientific form.
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  std::string shortest(buffer, end);
  const size_t e = shortest.find('e');
  const int exponent = std::stoi(shortest.substr(e + 1));
  if (exponent < -4 || exponent >= 16) return shortest;
  const auto fixed = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::fixed).ptr;
  std::string out(buffer, fixed);
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

Text to_text(Machine& machine, const Value& value) {
  if (const Text* text = value.text()) {
    machine.charge_text(text->size());
    return *text;
  }
  if (value.is_undefined()) return Text();
  return repr(machine, value);
}

Text repr(Machine& machine, const Value& value) {
  const Machine::Deeper deeper(machine);
  machine.charge(1);
  Text out;
  if (const Text* text = value.text()) {
    machine.charge_text(text->size());
    return text_repr(*text);
  }
  if (const Sequence* sequence = value.sequence()) {
    append_sequence(machine, out, *sequence);
  } else if (const Dict* dict = value.dict()) {
    append_dict(machine, out, *dict);
  } else if (const Namespace* space = value.name_space()) {
    out.append_template("<Namespace ");
    append_dict(machine, out, space->attributes);
    out.append_template(">");
  } else if (value.is_undefined()) {
    out.append_template("Undefined");
  } else if (value.is_none()) {
    out.append_template("None");
  } else if (const auto* flag = std::get_if<bool>(&value.data())) {
    out.append_template(*flag ? "True" : "False");
  } else if (value.integer()) {
    out.append_template(std::to_string(*value.integer()));
  } else if (value.number()) {
    out.append_template(float_repr(*value.number()));
  } else if (const Callable* callable = value.callable()) {
    out.append_template("<function " + callable->name + ">");
  } else {
    out.append_template("<" + type_name(value) + " object>");
  }
  return out;
}

}  // namespace yoke::jinja
