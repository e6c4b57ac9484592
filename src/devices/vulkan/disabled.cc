// The build without Vulkan: no devices, and a clear word for whoever asks for one.
#include "base/error.h"
#include "devices/vulkan/vulkan.h"

namespace yoke {

std::vector<DeviceInfo> list_vulkan_devices() {
  return {};
}

std::unique_ptr<Device> make_vulkan_device(int index, const VulkanOptions&) {
  fail(ErrorKind::kUsage, "opening vulkan:" + std::to_string(index),
       "this build is without Vulkan (configure with -DYOKE_VULKAN=ON)");
}

}  // namespace yoke
