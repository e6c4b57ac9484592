// A weight that can no longer be read ends the program with one line that names its file, not with a crash.
#pragma once

#include <cstddef>
#include <string>

namespace yoke {

// Handles SIGBUS and SIGSEGV for the whole process: a fault inside a registered range writes one line to
// stderr and leaves with exit code 3 (bad file); any other fault goes to the handler that was there before.
// The program's main calls it once, before it opens files. Safe to call again.
void install_fault_guard();

// While it lives, faults in [begin, begin + bytes) are told as troubles of the file `name`.
class GuardedRange {
 public:
  GuardedRange() = default;
  GuardedRange(const void* begin, size_t bytes, const std::string& name);
  ~GuardedRange();
  GuardedRange(GuardedRange&& other) noexcept;
  GuardedRange& operator=(GuardedRange&& other) noexcept;
  GuardedRange(const GuardedRange&) = delete;
  GuardedRange& operator=(const GuardedRange&) = delete;

 private:
  struct Slot* slot_ = nullptr;
};

}  // namespace yoke
