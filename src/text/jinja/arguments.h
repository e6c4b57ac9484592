// Reads the arguments of a function, filter or method, with Python's rules and error messages.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/machine.h"
#include "text/jinja/value.h"

namespace yoke::jinja {

// The arguments in the order of `names`; those not given are undefined. Throws where one is unknown, given
// twice, or one of the first `required` is missing.
class Bound {
 public:
  Bound(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> names,
        size_t required = 0);

  bool has(size_t i) const { return given_[i]; }
  const Value& operator[](size_t i) const { return values_[i]; }
  const Text& text(size_t i) const;
  int64_t integer(size_t i) const;
  int64_t integer_or(size_t i, int64_t otherwise) const;
  bool flag_or(size_t i, bool otherwise) const;
  // Not given, or None.
  bool is_absent(size_t i) const { return !given_[i] || values_[i].is_none(); }

 private:
  std::string function_;
  std::vector<std::string_view> names_;
  std::vector<Value> values_;
  std::vector<bool> given_;
};

}  // namespace yoke::jinja
