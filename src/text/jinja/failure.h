// How a template fails inside the interpreter; at the border it becomes a yoke::Error that names the line.
#pragma once

#include <stdexcept>
#include <string>

namespace yoke::jinja {

// The template does not parse, does something impossible, or exceeds a limit.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The template called raise_exception.
struct Raised : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace yoke::jinja
