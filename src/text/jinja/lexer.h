// Cuts a template into tokens: literal text, and the words and signs inside {{ }} and {% %}.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace yoke::jinja {

struct Token {
  enum class Kind {
    kText,
    kOutputBegin,
    kOutputEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,
    kInteger,
    kFloat,
    kSign,
    kEnd
  };
  Kind kind;
  std::string text;  // kString: unescaped
  int line;
};

// With trim_blocks and lstrip_blocks, and no newline kept at the end, as chat templates are read. Throws
// Failure.
std::vector<Token> tokenize_template(std::string_view source);

}  // namespace yoke::jinja
