// Opens devices by the names that people type.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devices/device.h"

namespace yoke {

struct CpuOptions;
struct VulkanOptions;

struct DeviceOptions {
  int32_t threads = 0;  // of the CPU; 0: physical cores within affinity and cgroup limits
  std::string isa{};    // of the CPU; empty: the best
  // Kernels that fail the CPU's own check, or failed an earlier self-test, are not used. `yoke selftest`
  // wants them as they are.
  bool check_kernels = true;
};

// Every device that this machine offers, GPUs first; nothing is opened for long. Without `gpus` no driver is
// loaded: some take tens of megabytes and milliseconds.
std::vector<DeviceInfo> available_devices(bool gpus = true);

// "cpu", "reference" or "vulkan:N"; throws kUsage for an unknown one, kRuntime where it cannot be opened.
std::unique_ptr<Device> open_device(const std::string& name, const DeviceOptions& options);

// How tests break a kernel: what these do is done to the options of every device opened from then on.
struct DeviceFaults {
  std::function<void(CpuOptions&)> cpu;
  std::function<void(VulkanOptions&)> vulkan;
};
DeviceFaults& device_faults();

}  // namespace yoke
