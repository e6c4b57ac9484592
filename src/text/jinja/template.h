// A chat template in Jinja: parsed once, rendered with variables, with a record of who wrote which character.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/machine.h"
#include "text/jinja/text.h"
#include "text/jinja/value.h"

namespace yoke::jinja {

// Jinja2 as Hugging Face runs it for chat templates: sandboxed, trim_blocks, lstrip_blocks, loop controls,
// raise_exception, strftime_now, tojson and {% generation %}.
class Template {
 public:
  // Throws Error(kBadFile) that names the line.
  static Template parse(std::string_view source);

  // Throws Error: kUsage where the template raises an exception itself, else kBadFile. now: what strftime_now
  // shows; none: the local time.
  Text render(std::vector<std::pair<std::string, Value>> variables, const Limits& limits = {},
              const std::optional<std::tm>& now = std::nullopt) const;

 private:
  explicit Template(Block block) : block_(std::make_shared<const Block>(std::move(block))) {}
  std::shared_ptr<const Block> block_;
};

}  // namespace yoke::jinja
