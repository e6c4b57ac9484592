// One logical device: what it can do, its functions, its queue, and the way from failed calls to errors.
#pragma once

#include <volk.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "devices/device.h"
#include "devices/vulkan/float_controls.h"
#include "devices/vulkan/instance.h"
#include "devices/vulkan/vulkan.h"

namespace yoke::vulkan {

// What a physical device offers of what the kernels want.
struct Capabilities {
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  DeviceInfo info;
  std::string driver;                   // kind, number and words
  std::optional<std::string> unusable;  // why
  uint32_t queue_family = 0;
  uint32_t subgroup_size = 0;
  uint32_t workgroup_memory_bytes = 0;
  uint32_t max_groups = 0;   // per dispatch, along y
  bool integer_dot = false;  // VK_KHR_shader_integer_dot_product, and signed packed ones accelerated
  bool integer_dot_extension = false;  // there at all
  FloatControls float_controls;
  bool memory_budget = false;
  bool host_import = false;  // VK_EXT_external_memory_host
  uint64_t import_alignment = 0;
  VkPhysicalDeviceMemoryProperties memory{};
  VkPhysicalDeviceProperties properties{};
};

Capabilities inspect(VkPhysicalDevice physical, int index);

class Context {
 public:
  Context(std::unique_ptr<Instance> instance, Capabilities capabilities, const VulkanOptions& options);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Capabilities& capabilities() const { return capabilities_; }
  const VulkanOptions& options() const { return options_; }
  const std::string& name() const { return capabilities_.info.name; }
  VkDevice device() const { return device_; }
  VkQueue queue() const { return queue_; }
  const VolkDeviceTable& vk() const { return vk_; }
  bool use_integer_dot() const { return use_integer_dot_; }
  // Kernels for a GPU, not for a processor that plays one.
  bool gpu_kernels() const {
    return options_.kernels == VulkanOptions::Kernels::kGpu ||
           (options_.kernels == VulkanOptions::Kernels::kAuto && !capabilities_.info.software &&
            capabilities_.properties.limits.maxComputeWorkGroupInvocations >= 256);
  }
  double wait_timeout_s() const { return wait_timeout_s_; }

  // The calls that can fail at run time; tests make them fail here.
  VkResult allocate_memory(const VkMemoryAllocateInfo& info, VkDeviceMemory* memory) const;
  VkResult submit(const VkSubmitInfo& info);
  // At most timeout_ns; VK_TIMEOUT where it ran out.
  VkResult wait(VkSemaphore semaphore, uint64_t value, uint64_t timeout_ns) const;

  // Throws for anything but success.
  void check(VkResult result, const std::string& doing) const;
  bool lost() const { return lost_.load(); }
  void set_lost() { lost_.store(true); }
  // Work may still run and perhaps never end: the device is left behind at teardown, which must not hang.
  void abandon() { abandoned_.store(true); }
  bool abandoned() const { return abandoned_.load(); }

 private:
  void create_device();

  std::unique_ptr<Instance> instance_;
  Capabilities capabilities_;
  VulkanOptions options_;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  VolkDeviceTable vk_{};
  bool use_integer_dot_ = false;
  double wait_timeout_s_ = 0;
  std::mutex queue_mutex_;
  mutable std::atomic<bool> lost_{false};
  std::atomic<bool> abandoned_{false};
  mutable std::atomic<bool> stuck_{false};  // a test's fault
};

const char* result_name(VkResult result);  // "out of device memory"

}  // namespace yoke::vulkan
