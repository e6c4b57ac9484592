// JSON in both directions: people's data in, tojson out.
#pragma once

#include <optional>
#include <string>

#include "text/jinja/machine.h"
#include "text/jinja/value.h"

namespace yoke::jinja {

// Its strings (keys too) count as people's text. Throws Failure where it is not JSON.
Value parse_json(const std::string& json);

struct JsonStyle {
  bool ascii_only = false;
  std::optional<Text> indent;
  Text item_separator = Text::by_template(", ");
  Text key_separator = Text::by_template(": ");
  bool sort_keys = false;
};

// Python's json.dumps.
Text write_json(Machine& machine, const Value& value, const JsonStyle& style);

}  // namespace yoke::jinja
