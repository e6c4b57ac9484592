// The functions that every template can call: range, namespace, raise_exception, strftime_now ...
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace yoke::jinja {

std::vector<std::pair<std::string, Value>> global_functions();

}  // namespace yoke::jinja
