#include "interrupt.h"

#include <signal.h>
#include <unistd.h>

namespace yoke::cli {
namespace {

constexpr int kInterruptedExitCode = 130;

volatile sig_atomic_t guards = 0;
volatile sig_atomic_t interrupts = 0;

void on_interrupt(int) {
  interrupts = interrupts + 1;
  if (guards == 0 || interrupts > 1) _exit(kInterruptedExitCode);
}

}  // namespace

void install_signals() {
  struct sigaction action {};
  // Without SA_RESTART a read from the terminal ends, so that a chat notices at once.
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

InterruptGuard::InterruptGuard() {
  interrupts = 0;
  guards = guards + 1;
}

InterruptGuard::~InterruptGuard() {
  guards = guards - 1;
}

bool InterruptGuard::interrupted() {
  return interrupts > 0;
}

void InterruptGuard::reset() {
  interrupts = 0;
}

}  // namespace yoke::cli
