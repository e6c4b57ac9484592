// Positional arguments first, then named ones.
#include "text/jinja/arguments.h"

#include <algorithm>

#include "text/jinja/failure.h"
#include "text/jinja/operations.h"

namespace yoke::jinja {

Bound::Bound(std::string_view function, const Arguments& arguments,
             std::initializer_list<std::string_view> names, size_t required)
    : function_(function), names_(names), values_(names.size()), given_(names.size(), false) {
  if (arguments.positional.size() > names_.size()) {
    throw Failure(function_ + "() takes at most " + std::to_string(names_.size()) + " arguments");
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    values_[i] = arguments.positional[i];
    given_[i] = true;
  }
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) throw Failure(function_ + "() got an unexpected argument '" + name + "'");
    const auto i = static_cast<size_t>(found - names_.begin());
    if (given_[i]) throw Failure(function_ + "() got two values for '" + name + "'");
    values_[i] = value;
    given_[i] = true;
  }
  for (size_t i = 0; i < required; ++i) {
    if (!given_[i]) throw Failure(function_ + "() needs the argument '" + std::string(names_[i]) + "'");
  }
}

const Text& Bound::text(size_t i) const {
  const Text* text = values_[i].text();
  if (text == nullptr) {
    throw Failure(function_ + "(): '" + std::string(names_[i]) + "' must be a string, not " +
                  type_name(values_[i]));
  }
  return *text;
}

int64_t Bound::integer(size_t i) const {
  const auto value = values_[i].integer();
  if (!value) {
    throw Failure(function_ + "(): '" + std::string(names_[i]) + "' must be an integer, not " +
                  type_name(values_[i]));
  }
  return *value;
}

int64_t Bound::integer_or(size_t i, int64_t otherwise) const {
  return given_[i] ? integer(i) : otherwise;
}

bool Bound::flag_or(size_t i, bool otherwise) const {
  return given_[i] ? truthy(values_[i]) : otherwise;
}

}  // namespace yoke::jinja
