// The queue and the clock of one lane: work is run in order by whoever waits for it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/error.h"

namespace yoke::cpu {

class LaneClock {
 public:
  // Returns the clock's value once this work is done.
  uint64_t launch(std::function<void()> work);
  // Runs what is queued, in order, until the clock has reached the value. Work that fails takes what is
  // queued behind it along; every wait for one of these values throws that failure.
  void wait(uint64_t value);

 private:
  struct Failure {
    uint64_t first;  // values [first, last]
    uint64_t last;
    ErrorKind kind;
    std::string message;
  };
  void run_next(std::unique_lock<std::mutex>& lock);
  void throw_failure(uint64_t value) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  uint64_t launched_ = 0;
  uint64_t done_ = 0;
  std::optional<std::thread::id> running_;  // who runs work now
  std::optional<Failure> failure_;          // the latest
};

}  // namespace yoke::cpu
