// Which copies of the weights the Programs need and how many bytes they take on each device, to the byte.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "devices/buffer_plan.h"
#include "program/net.h"
#include "program/placement_data.h"
#include "program/program.h"

namespace yoke {

struct PlannedWeight {
  WeightId source = WeightId::kNone;
  int32_t device = 0;
  Layout layout = Layout::kStored;
  uint64_t bytes = 0;
  bool mapped = false;  // the file's own bytes, wrapped and not copied
  BufferSpot spot;      // where it goes among its device's buffers, unless mapped
};

struct DeviceWeights {
  std::vector<uint64_t> buffer_bytes;  // [buffers] to allocate
  uint64_t mapped_bytes = 0;

  uint64_t bytes() const {
    uint64_t sum = mapped_bytes;
    for (const uint64_t b : buffer_bytes) sum += b;
    return sum;
  }
};

struct WeightPlan {
  std::vector<PlannedWeight> weights;
  std::vector<DeviceWeights> devices;  // as in the Programs
};

// What holds for a device of the Programs.
struct WeightDevice {
  DeviceKind kind = DeviceKind::kCpu;
  uint64_t max_buffer_bytes = 0;  // 0: no bound; the sum of bytes does not depend on it
};

// The Programs share one list of devices; a copy that several of them name is counted once.
WeightPlan plan_weights(const Net& net, std::span<const Program* const> programs,
                        std::span<const WeightDevice> devices);

}  // namespace yoke
