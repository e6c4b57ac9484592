// Ctrl-C: ends the program with 130 at once, or, where something has to be told or cleaned up, sets a flag.
#pragma once

namespace yoke::cli {

// Thrown where work stops because of Ctrl-C outside a chat: exit code 130.
struct Interrupted {};

// Once, at the start. A closed pipe and a limit on file sizes become errors of the write that meets them
// instead of signals.
void install_signals();

// While it lives the first SIGINT sets a flag; a second one that comes before reset() ends the program.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  static bool interrupted();
  static void reset();
  // Readable from a SIGINT until reset(), whichever thread took the signal: for poll().
  static int descriptor();
};

}  // namespace yoke::cli
