// Reading is nlohmann's; writing is by hand, since each character keeps who wrote it.
#include "text/jinja/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "text/jinja/failure.h"
#include "text/jinja/operations.h"
#include "text/utf8.h"

namespace yoke::jinja {
namespace {

using Json = nlohmann::ordered_json;

Value from_json(const Json& json, int depth) {
  if (depth > kMaxNesting / 2) throw Failure("the JSON is nested too deeply");
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<int64_t>());
    case Json::value_t::number_unsigned: {
      const auto value = json.get<uint64_t>();
      if (value > static_cast<uint64_t>(INT64_MAX)) return Value(static_cast<double>(value));
      return Value(static_cast<int64_t>(value));
    }
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return Value(Text::by_people(json.get_ref<const std::string&>()));
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(from_json(item, depth + 1));
      return make_list(std::move(items));
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [key, item] : json.items()) {
        dict.set(Value(Text::by_people(key)), from_json(item, depth + 1));
      }
      return Value(std::move(dict));
    }
    default:
      return Value(None{});
  }
}

class Writer {
 public:
  Writer(Machine& machine, const JsonStyle& style) : machine_(machine), style_(style) {}

  void write(const Value& value, size_t level) {
    const Machine::Deeper deeper(machine_);
    machine_.charge(1);
    if (const Text* text = value.text()) {
      string(*text);
    } else if (const Sequence* sequence = value.sequence(); sequence != nullptr && is_array(*sequence)) {
      array(*sequence, level);
    } else if (const Dict* dict = value.dict()) {
      object(*dict, level);
    } else {
      out_.append_template(scalar(value));
    }
  }
  Text take() {
    machine_.charge_text(out_.size());
    return std::move(out_);
  }

 private:
  static bool is_array(const Sequence& sequence) { return sequence.is_list() || sequence.is_tuple(); }
  std::string scalar(const Value& value) const;
  void string(const Text& text);
  void array(const Sequence& sequence, size_t level);
  void object(const Dict& dict, size_t level);
  void new_line(size_t level);

  Machine& machine_;
  const JsonStyle& style_;
  Text out_;
};

std::string Writer::scalar(const Value& value) const {
  if (value.is_none()) return "null";
  if (const auto* flag = std::get_if<bool>(&value.data())) return *flag ? "true" : "false";
  if (value.integer()) return std::to_string(*value.integer());
  if (const auto number = value.number()) {
    if (std::isnan(*number)) return "NaN";
    if (std::isinf(*number)) return *number < 0 ? "-Infinity" : "Infinity";
    return float_repr(*number);
  }
  throw Failure("an object of type " + type_name(value) + " is not JSON serializable");
}

void append_unit(std::string& out, uint32_t unit) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(digits[unit >> shift & 0xF]);
}

void Writer::string(const Text& text) {
  machine_.charge_text(text.size());
  out_.append_template("\"");
  const std::string& bytes = text.bytes();
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = text.character_size(at);
    const char c = bytes[at];
    std::string escaped;
    constexpr std::string_view special = "\"\\\n\r\t\f\b", letters = "\"\\nrtfb";
    if (const size_t known = special.find(c); known != std::string_view::npos) {
      escaped = {'\\', letters[known]};
    } else if (static_cast<uint8_t>(c) < 0x20) {
      append_unit(escaped, static_cast<uint8_t>(c));
    } else if (static_cast<uint8_t>(c) >= 0x80 && style_.ascii_only && utf8_length(bytes, at) != 0) {
      const char32_t code = utf8_code_point(bytes, at, size);
      if (code >= 0x10000) {
        append_unit(escaped, 0xD800 + ((code - 0x10000) >> 10));
        append_unit(escaped, 0xDC00 + ((code - 0x10000) & 0x3FF));
      } else {
        append_unit(escaped, code);
      }
    } else if (c == '\x7f' && style_.ascii_only) {
      out_.append(text, at, size);
      at += size;
      continue;
    }
    if (escaped.empty()) {
      out_.append(text, at, size);
    } else {
      out_.append_marked(escaped, text.by_people_at(at));
    }
    at += size;
  }
  out_.append_template("\"");
}

void Writer::new_line(size_t level) {
  if (!style_.indent) return;
  machine_.charge_text(out_.size() / 1024 + level * style_.indent->size());
  out_.append_template("\n");
  for (size_t i = 0; i < level; ++i) out_.append(*style_.indent);
}

void Writer::array(const Sequence& sequence, size_t level) {
  if (sequence.items.empty()) {
    out_.append_template("[]");
    return;
  }
  out_.append_template("[");
  bool first = true;
  for (const Value& item : sequence.items) {
    if (!std::exchange(first, false)) out_.append(style_.item_separator);
    new_line(level + 1);
    write(item, level + 1);
  }
  new_line(level);
  out_.append_template("]");
}

void Writer::object(const Dict& dict, size_t level) {
  if (dict.items.empty()) {
    out_.append_template("{}");
    return;
  }
  std::vector<const std::pair<Value, Value>*> items;
  for (const auto& item : dict.items) items.push_back(&item);
  if (style_.sort_keys) {
    std::stable_sort(items.begin(), items.end(),
                     [&](const auto* a, const auto* b) { return less(machine_, a->first, b->first); });
  }
  out_.append_template("{");
  bool first = true;
  for (const auto* item : items) {
    if (!std::exchange(first, false)) out_.append(style_.item_separator);
    new_line(level + 1);
    const Value& key = item->first;
    if (key.text() == nullptr && !key.is_none() && !key.is_number()) {
      throw Failure("keys must be str, int, float, bool or None, not " + type_name(key));
    }
    string(key.text() != nullptr ? *key.text() : Text::by_template(scalar(key)));
    out_.append(style_.key_separator);
    write(item->second, level + 1);
  }
  new_line(level);
  out_.append_template("}");
}

}  // namespace

Value parse_json(const std::string& json) {
  Json parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded()) throw Failure("not valid JSON");
  return from_json(parsed, 0);
}

Text write_json(Machine& machine, const Value& value, const JsonStyle& style) {
  Writer writer(machine, style);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace yoke::jinja
