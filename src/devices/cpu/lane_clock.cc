#include "devices/cpu/lane_clock.h"

#include <utility>

namespace yoke::cpu {

uint64_t LaneClock::launch(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  return ++launched_;
}

void LaneClock::wait(uint64_t value) {
  std::unique_lock lock(mutex_);
  if (value > launched_) {
    fail(ErrorKind::kRuntime, "waiting for the CPU",
         "nothing was launched that would reach " + std::to_string(value) + " (the last was " +
             std::to_string(launched_) + ")");
  }
  while (done_ < value) {
    if (!running_) {
      run_next(lock);
    } else if (*running_ == std::this_thread::get_id()) {
      fail(ErrorKind::kRuntime, "waiting for the CPU", "work on the CPU waits for later work on the CPU");
    } else {
      changed_.wait(lock);
    }
  }
  throw_failure(value);
}

void LaneClock::run_next(std::unique_lock<std::mutex>& lock) {
  running_ = std::this_thread::get_id();
  const std::function<void()> work = std::move(queue_.front());
  queue_.pop_front();
  lock.unlock();
  std::optional<Failure> failure;
  try {
    work();
  } catch (const Error& error) {
    failure = {0, 0, error.kind(), error.what()};
  } catch (const std::exception& error) {
    failure = {0, 0, ErrorKind::kRuntime, error.what()};
  }
  lock.lock();
  ++done_;
  if (failure) {
    failure->first = done_;
    failure->last = launched_;
    failure_ = std::move(failure);
    queue_.clear();
    done_ = launched_;
  }
  running_.reset();
  changed_.notify_all();
}

void LaneClock::throw_failure(uint64_t value) const {
  if (failure_ && value >= failure_->first && value <= failure_->last) {
    throw Error(failure_->kind, failure_->message);
  }
}

}  // namespace yoke::cpu
