// The Vulkan loader and one instance of it, with the validation layers where a test wants them.
#pragma once

#include <volk.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace yoke::vulkan {

class Instance {
 public:
  // Null where the machine has no loader or no driver.
  static std::unique_ptr<Instance> create(bool validation,
                                          std::function<void(const std::string&)> on_message);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  std::vector<VkPhysicalDevice> physical_devices() const;

 private:
  Instance() = default;

  VkInstance instance_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  std::function<void(const std::string&)> on_message_;
};

}  // namespace yoke::vulkan
