// Opens devices by the names that people type.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "devices/device.h"

namespace yoke {

struct DeviceOptions {
  int32_t threads = 0;        // of the CPU; 0: physical cores within affinity and cgroup limits
  std::string isa;            // of the CPU; empty: the best
  bool check_kernels = true;  // of the CPU, when it is opened; `yoke selftest` wants them as they are
};

// Every device that this machine offers, GPUs first; nothing is opened for long.
std::vector<DeviceInfo> available_devices();

// "cpu", "reference" or "vulkan:N"; throws kUsage for an unknown one, kRuntime where it cannot be opened.
std::unique_ptr<Device> open_device(const std::string& name, const DeviceOptions& options);

}  // namespace yoke
