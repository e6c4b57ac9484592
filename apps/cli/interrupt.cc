#include "interrupt.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/error.h"

namespace yoke::cli {
namespace {

constexpr int kInterruptedExitCode = 130;

volatile sig_atomic_t guards = 0;
volatile sig_atomic_t interrupts = 0;
int event = -1;

void on_interrupt(int) {
  interrupts = interrupts + 1;
  if (guards == 0 || interrupts > 1) _exit(kInterruptedExitCode);
  const int error = errno;
  const uint64_t one = 1;
  // It can fail only by being readable already.
  [[maybe_unused]] const ssize_t written = write(event, &one, sizeof one);
  errno = error;
}

}  // namespace

void install_signals() {
  event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) fail(ErrorKind::kRuntime, "starting", std::strerror(errno));
  struct sigaction action {};
  // Without SA_RESTART a read from the terminal ends, so that a chat notices at once.
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

InterruptGuard::InterruptGuard() {
  reset();
  guards = guards + 1;
}

InterruptGuard::~InterruptGuard() {
  guards = guards - 1;
}

bool InterruptGuard::interrupted() {
  return interrupts > 0;
}

void InterruptGuard::reset() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t drained = read(event, &count, sizeof count);
  interrupts = 0;
}

int InterruptGuard::descriptor() {
  return event;
}

}  // namespace yoke::cli
