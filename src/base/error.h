// Errors that end a load or a request, told in one line: what was being done, what is wrong, the way out.
#pragma once

#include <stdexcept>
#include <string>

namespace yoke {

// The program's exit code follows from the kind (see docs/cli.md).
enum class ErrorKind { kRuntime = 1, kUsage = 2, kBadFile = 3, kDoesNotFit = 4, kSelfTest = 5 };

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

// doing: "reading model.gguf"; wrong: "tensor 3 (blk.0.ffn_up.weight): offset 96 is not a multiple of 32".
// Names from files may hold anything: what a terminal would obey is shown as '?', so that an error stays one
// line.
[[noreturn]] inline void fail(ErrorKind kind, const std::string& doing, const std::string& wrong) {
  std::string message = doing + ": " + wrong;
  for (char& c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = '?';
  }
  throw Error(kind, message);
}

}  // namespace yoke
