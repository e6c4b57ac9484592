// Tells how far a long piece of work is.
#pragma once

#include <cstdint>
#include <string>

namespace yoke::cli {

// A line on stderr that is overwritten as work goes on; silent where stderr is no terminal. Also the place
// where work notices Ctrl-C.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  // Throws Interrupted after a SIGINT (InterruptGuard).
  void update(uint64_t done, uint64_t total);

 private:
  std::string what_;
  bool terminal_;
  int shown_percent_ = -1;
};

}  // namespace yoke::cli
