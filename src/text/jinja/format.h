// Python's two ways to format: "..." % values and "...".format(values).
#pragma once

#include "text/jinja/machine.h"
#include "text/jinja/value.h"

namespace yoke::jinja {

// values: a tuple, a dictionary for %(name)s, or one value.
Text format_percent(Machine& machine, const Text& pattern, const Value& values);
Text format_braces(Machine& machine, const Text& pattern, const Arguments& arguments);

}  // namespace yoke::jinja
