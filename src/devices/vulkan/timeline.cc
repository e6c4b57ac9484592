#include "devices/vulkan/timeline.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/error.h"

namespace yoke::vulkan {
namespace {

// Waits look up this often whether another waiter has found the device lost.
constexpr uint64_t kSliceNs = 200'000'000;
// How long a teardown waits for what a lost device may still be doing.
constexpr double kLostWorkS = 10;

}  // namespace

Timeline::Timeline(Context& context) : context_(context) {
  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
  info.pNext = &type;
  context.check(context.vk().vkCreateSemaphore(context.device(), &info, nullptr, &semaphore_),
                "opening " + context.name());
}

Timeline::~Timeline() {
  if (!context_.abandoned()) context_.vk().vkDestroySemaphore(context_.device(), semaphore_, nullptr);
}

uint64_t Timeline::submit(VkCommandBuffer commands, std::span<const SemaphorePoint> waits,
                          const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (context_.lost()) fail(ErrorKind::kRuntime, "launching " + what, context_.name() + " was lost");
  std::vector<VkSemaphore> semaphores;
  std::vector<uint64_t> values;
  for (const SemaphorePoint& w : waits) {
    semaphores.push_back(w.semaphore);
    values.push_back(w.value);
  }
  const std::vector<VkPipelineStageFlags> stages(waits.size(), VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
  const uint64_t value = last_ + 1;
  VkTimelineSemaphoreSubmitInfo timeline{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  timeline.waitSemaphoreValueCount = static_cast<uint32_t>(values.size());
  timeline.pWaitSemaphoreValues = values.data();
  timeline.signalSemaphoreValueCount = 1;
  timeline.pSignalSemaphoreValues = &value;
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.pNext = &timeline;
  info.waitSemaphoreCount = static_cast<uint32_t>(semaphores.size());
  info.pWaitSemaphores = semaphores.data();
  info.pWaitDstStageMask = stages.data();
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &semaphore_;
  context_.check(context_.submit(info), "launching " + what + " on " + context_.name());
  last_ = value;
  launched_.push_back({value, what});
  return value;
}

void Timeline::wait(uint64_t value) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(context_.wait_timeout_s());
  for (;;) {
    if (context_.lost()) fail_lost(value, context_.name() + " was lost");
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - Clock::now()).count();
    const auto slice = std::clamp<int64_t>(left, 0, kSliceNs);
    const VkResult result = context_.wait(semaphore_, value, static_cast<uint64_t>(slice));
    if (result == VK_SUCCESS) break;
    if (result != VK_TIMEOUT) {
      context_.set_lost();
      fail_lost(value, result_name(result));
    }
    if (left <= 0) {
      context_.set_lost();
      context_.abandon();
      fail_lost(value, "no end after " + std::to_string(static_cast<int>(context_.wait_timeout_s())) +
                           " seconds; the device counts as lost");
    }
  }
  const std::lock_guard lock(mutex_);
  while (!launched_.empty() && launched_.front().value <= value) launched_.pop_front();
}

bool Timeline::settle(uint64_t value) {
  if (context_.abandoned()) return false;
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore_;
  info.pValues = &value;
  const double limit_s = context_.lost() ? kLostWorkS : context_.wait_timeout_s();
  const auto limit_ns = static_cast<uint64_t>(limit_s * 1e9);
  if (context_.vk().vkWaitSemaphores(context_.device(), &info, limit_ns) != VK_TIMEOUT) return true;
  context_.abandon();
  return false;
}

// The first launch that has not finished is the one to name; if all have, the one that was waited for.
void Timeline::fail_lost(uint64_t value, const std::string& why) {
  uint64_t reached = 0;
  if (context_.vk().vkGetSemaphoreCounterValue(context_.device(), semaphore_, &reached) != VK_SUCCESS) {
    reached = 0;
  }
  const std::lock_guard lock(mutex_);
  std::string what = "earlier work";
  for (const Launched& l : launched_) {
    if (l.value > value) break;
    what = l.what;
    if (l.value > reached) break;
  }
  fail(ErrorKind::kRuntime, "waiting for " + what + " on " + context_.name(), why);
}

}  // namespace yoke::vulkan
