#include "engine/open_devices.h"

#include <charconv>

#include "base/error.h"
#include "devices/cpu/cpu_device.h"
#include "devices/reference/reference.h"
#include "devices/vulkan/vulkan.h"
#include "placement/machine.h"

namespace yoke {
namespace {

int index_in(const std::string& name) {
  const char* begin = name.data() + name.find(':') + 1;
  int index = -1;
  std::from_chars(begin, name.data() + name.size(), index);
  return index;
}

CpuOptions cpu_options(const DeviceOptions& options) {
  CpuOptions result;
  result.threads = options.threads;
  result.isa = options.isa;
  result.check_kernels = options.check_kernels;
  return result;
}

}  // namespace

std::vector<DeviceInfo> available_devices() {
  std::vector<DeviceInfo> devices = list_vulkan_devices();
  devices.push_back({.name = "cpu", .description = "", .kind = DeviceKind::kCpu});
  devices.push_back({.name = "reference", .description = "", .kind = DeviceKind::kReference});
  return devices;
}

std::unique_ptr<Device> open_device(const std::string& name, const DeviceOptions& options) {
  switch (device_kind(name)) {
    case DeviceKind::kCpu:
      return make_cpu_device(cpu_options(options));
    case DeviceKind::kReference:
      return make_reference_device();
    case DeviceKind::kVulkan:
      return make_vulkan_device(index_in(name));
  }
  fail(ErrorKind::kUsage, "opening " + name, "no such device");
}

}  // namespace yoke
