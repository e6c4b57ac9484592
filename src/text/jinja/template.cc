// The border of the interpreter: failures inside become the program's errors.
#include "text/jinja/template.h"

#include "base/error.h"
#include "gguf/printable.h"
#include "text/jinja/failure.h"
#include "text/jinja/parser.h"

namespace yoke::jinja {
namespace {

// A template may raise any text; an error is one line.
constexpr size_t kLongestMessage = 1000;

}  // namespace

Template Template::parse(std::string_view source) {
  try {
    return Template(parse_template(source));
  } catch (const Failure& failure) {
    fail(ErrorKind::kBadFile, "reading the chat template", printable(failure.what(), kLongestMessage));
  }
}

Text Template::render(std::vector<std::pair<std::string, Value>> variables, const Limits& limits,
                      const std::optional<std::tm>& now) const {
  Machine machine(limits, now);
  try {
    return machine.run(*block_, std::move(variables));
  } catch (const Raised& raised) {
    fail(ErrorKind::kUsage, "applying the chat template", printable(raised.what(), kLongestMessage));
  } catch (const Failure& failure) {
    fail(ErrorKind::kBadFile, "applying the chat template",
         "line " + std::to_string(machine.line()) + ": " + printable(failure.what(), kLongestMessage));
  }
}

}  // namespace yoke::jinja
