#include "engine/open_devices.h"

#include <charconv>
#include <utility>

#include "base/error.h"
#include "devices/cpu/cpu_device.h"
#include "devices/reference/reference.h"
#include "devices/vulkan/vulkan.h"
#include "engine/verdict.h"
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
  if (device_faults().cpu) device_faults().cpu(result);
  return result;
}

std::unique_ptr<Device> open_vulkan(int index, const DeviceOptions& options) {
  VulkanOptions vulkan;
  if (device_faults().vulkan) device_faults().vulkan(vulkan);
  std::unique_ptr<Device> device = make_vulkan_device(index, vulkan);
  if (!options.check_kernels) return device;
  if (auto verdict = load_verdict(device->info().kernels_id)) device->refuse(std::move(verdict->refused));
  return device;
}

}  // namespace

DeviceFaults& device_faults() {
  static DeviceFaults faults;
  return faults;
}

std::vector<DeviceInfo> available_devices(bool gpus) {
  std::vector<DeviceInfo> devices;
  if (gpus) devices = list_vulkan_devices();
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
      return open_vulkan(index_in(name), options);
  }
  fail(ErrorKind::kUsage, "opening " + name, "no such device");
}

}  // namespace yoke
