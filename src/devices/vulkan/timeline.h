// The clock of one lane: a timeline semaphore, what was launched up to which value, and waits that end.
#pragma once

#include <volk.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>

#include "devices/vulkan/context.h"

namespace yoke::vulkan {

struct SemaphorePoint {
  VkSemaphore semaphore = VK_NULL_HANDLE;
  uint64_t value = 0;
};

class Timeline {
 public:
  explicit Timeline(Context& context);
  ~Timeline();
  Timeline(const Timeline&) = delete;
  Timeline& operator=(const Timeline&) = delete;

  // what: named if the work fails: "segment vulkan0.1 (ops 0..12: rms_norm .. add)".
  uint64_t submit(VkCommandBuffer commands, std::span<const SemaphorePoint> waits, const std::string& what);
  // Throws where the device is lost or the time runs out; then the device counts as lost.
  void wait(uint64_t value);
  // For teardown: waits whatever the device's state is, for a limited time. False: the work may never end.
  bool settle(uint64_t value);
  VkSemaphore semaphore() const { return semaphore_; }
  uint64_t last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  struct Launched {
    uint64_t value;
    std::string what;
  };

  [[noreturn]] void fail_lost(uint64_t value, const std::string& why);

  Context& context_;
  VkSemaphore semaphore_ = VK_NULL_HANDLE;
  uint64_t last_ = 0;
  std::mutex mutex_;               // guards launched_ and last_
  std::deque<Launched> launched_;  // not known to have finished
};

}  // namespace yoke::vulkan
