// Blocking copies between host memory and memory that the host does not see, through one staging buffer.
#pragma once

#include <volk.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "devices/vulkan/memory.h"
#include "devices/vulkan/timeline.h"

namespace yoke::vulkan {

class Transfer {
 public:
  static constexpr uint64_t kStagingBytes = 4 << 20;

  explicit Transfer(Context& context);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Takes the staging buffer at once, for those who count memory before the first copy.
  void reserve() { staging(); }
  void upload(Memory& to, uint64_t offset, std::span<const std::byte> from);
  void download(Memory& from, uint64_t offset, std::span<std::byte> to);
  void zero(Memory& memory);
  // Runs what `record` puts into the command buffer and waits for its end.
  void run(const std::function<void(VkCommandBuffer)>& record, const char* what);
  void settle() { timeline_.settle(timeline_.last()); }

 private:
  Memory& staging();

  Context& context_;
  Timeline timeline_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  std::unique_ptr<Memory>
      staging_;  // reserved at its first use, in the host's memory: not the device's bytes
};

}  // namespace yoke::vulkan
