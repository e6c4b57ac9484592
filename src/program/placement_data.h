// Where each op and each matrix goes, as plain data: what placement/ decides and program/ compiles.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace yoke {

enum class DeviceKind : uint8_t { kCpu, kReference, kVulkan };

// The host works with plain pointers and copies between the staging memories of others.
inline bool is_host(DeviceKind kind) {
  return kind != DeviceKind::kVulkan;
}

struct PlacedDevice {
  std::string name;  // "vulkan:0"
  DeviceKind kind = DeviceKind::kCpu;
};

// At least one device is a host (CPU or reference); Embed ops lie on a host.
struct PhasePlacement {
  std::vector<PlacedDevice> devices;
  std::vector<int32_t> op_device;      // [net.ops] index into devices
  std::vector<int32_t> weight_device;  // [net.weights] or empty; read for GatedLinear's two matrices only
};

}  // namespace yoke
