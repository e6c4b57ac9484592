// GPUs through Vulkan: any device of version 1.2 with buffer addresses, found at run time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "devices/device.h"

namespace yoke {

// Failures to come, for tests: each counts calls down from N; the call that takes it to 0 fails. 0: never.
struct VulkanFaults {
  std::atomic<int> allocation{0};  // out of device memory
  std::atomic<int> submit{0};      // device lost
  std::atomic<int> wait{0};        // device lost
  std::atomic<int> stuck_wait{0};  // the wait runs out of time
};

struct VulkanOptions {
  // Core and synchronization validation; messages go to on_message. An error where the layer is missing.
  bool validation = false;
  std::function<void(const std::string&)> on_message{};
  // write() and read() go through the staging buffer even where the host sees the memory itself.
  bool force_staging = false;
  // The packed integer dot product where the device accelerates it; kAlways, kNever for tests.
  enum class IntegerDot : uint8_t { kAuto, kAlways, kNever } integer_dot = IntegerDot::kAuto;
  // Which of the kernels that give the same bits: those for many small cores, or for few wide ones.
  enum class Kernels : uint8_t { kAuto, kProcessor, kGpu } kernels = Kernels::kAuto;
  // Folder of the pipeline cache; empty: user_cache_folder(). Not used for software devices.
  std::string cache_folder{};
  // After this long without an end of the work waited for, the device counts as lost. 0: two minutes, an hour
  // on software devices.
  double wait_timeout_s = 0;
  // Not 0: the dispatches between two barriers are recorded in a random order drawn from this seed. Results
  // stay.
  uint32_t shuffle_seed = 0;
  std::shared_ptr<VulkanFaults> faults{};
  // Changes a shader's SPIR-V words before they are used: how tests break a kernel.
  std::function<void(std::string_view shader, std::vector<uint32_t>& words)> alter_shader{};
};

// What this machine has, in the order of their indices; empty without a loader, a driver or a usable device.
std::vector<DeviceInfo> list_vulkan_devices();

// Throws where there is no such device, or its driver is not fit for use.
std::unique_ptr<Device> make_vulkan_device(int index, const VulkanOptions& options = {});

}  // namespace yoke
