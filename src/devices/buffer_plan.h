// Lays pieces of memory side by side into as few buffers as a device allows: planned bytes are allocated
// bytes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace yoke {

inline constexpr uint64_t kBufferAlignment = 256;

inline uint64_t align_buffer(uint64_t bytes) {
  return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

struct BufferSpot {
  int32_t buffer = 0;
  uint64_t offset = 0;  // 256-byte aligned
};

struct BufferPlan {
  std::vector<uint64_t> buffer_bytes;  // [buffers]
  std::vector<BufferSpot> spots;       // [pieces]

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const uint64_t b : buffer_bytes) sum += b;
    return sum;
  }
};

// In order; each piece's size is rounded up to 256 bytes, so the sum does not depend on max_buffer_bytes (0:
// no bound). A piece above the bound gets a buffer of its own, which the device then refuses with its own
// numbers.
BufferPlan plan_buffers(std::span<const uint64_t> pieces, uint64_t max_buffer_bytes);

}  // namespace yoke
