// Says in one line where a device's memory differs from the reference's after a Case.
#pragma once

#include <optional>
#include <string>

#include "devices/conformance/run_case.h"

namespace yoke::conformance {

// None: equal. Compared are what the op writes (rows of the step, without the padding of a row), every other
// value, the space between values and the whole caches. `bitwise` false: floats may be off by a thousandth of
// the largest one of the value, which finds wrong results, not roundings.
std::optional<std::string> difference(const Case& c, const Outcome& expected, const Outcome& got,
                                      bool bitwise);

}  // namespace yoke::conformance
