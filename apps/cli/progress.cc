#include "progress.h"

#include <unistd.h>

#include <cstdio>

#include "interrupt.h"

namespace yoke::cli {

Progress::Progress(std::string what) : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_percent_ >= 0) std::fputs("\r\033[K", stderr);
}

void Progress::update(uint64_t done, uint64_t total) {
  if (InterruptGuard::interrupted()) throw Interrupted();
  if (!terminal_ || total == 0) return;
  const int percent = static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total));
  if (percent == shown_percent_) return;
  shown_percent_ = percent;
  std::fprintf(stderr, "\r\033[K%s %d %%", what_.c_str(), percent);
  std::fflush(stderr);
}

}  // namespace yoke::cli
