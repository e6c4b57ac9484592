// The filters ("value|name(arguments)"), in three tables by what they work on.
#pragma once

#include <span>
#include <string_view>

#include "text/jinja/machine.h"
#include "text/jinja/value.h"

namespace yoke::jinja {

struct NamedFilter {
  std::string_view name;
  Value (*apply)(Machine&, const Value& input, const Arguments&);
};

std::span<const NamedFilter> text_filters();
std::span<const NamedFilter> sequence_filters();
std::span<const NamedFilter> value_filters();

// What the arguments attribute, case_sensitive and default of many filters do to an item: "a.b.0" is a path
// of attributes and items; strings are lowered unless the case counts.
Value item_key(Machine& machine, const Value& item, const Value& attribute_path, bool case_sensitive,
               const Value& default_value);

}  // namespace yoke::jinja
