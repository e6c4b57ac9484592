#include "devices/buffer_plan.h"

namespace yoke {

BufferPlan plan_buffers(std::span<const uint64_t> pieces, uint64_t max_buffer_bytes) {
  BufferPlan plan;
  plan.spots.reserve(pieces.size());
  for (const uint64_t piece : pieces) {
    const uint64_t bytes = align_buffer(piece);
    const bool full = !plan.buffer_bytes.empty() && max_buffer_bytes != 0 &&
                      (bytes > max_buffer_bytes || plan.buffer_bytes.back() > max_buffer_bytes - bytes);
    if (plan.buffer_bytes.empty() || full) plan.buffer_bytes.push_back(0);
    plan.spots.push_back({static_cast<int32_t>(plan.buffer_bytes.size()) - 1, plan.buffer_bytes.back()});
    plan.buffer_bytes.back() += bytes;
  }
  return plan;
}

}  // namespace yoke
