// The step's inputs in memory that the kernels read, and the sizes of all dispatches for that step.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "devices/device.h"
#include "devices/vulkan/memory.h"
#include "program/net.h"
#include "program/step_inputs.h"

namespace yoke::vulkan {

// How many workgroups a dispatch has: ceil(rows / tile) x columns, or none where the step's rows of that kind
// are not in [min_rows, max_rows].
struct Grid {
  RowKind rows = RowKind::kRows;
  uint32_t tile = 1;
  uint32_t columns = 1;
  int32_t min_rows = 1;
  int32_t max_rows = INT32_MAX;
  bool operator==(const Grid&) const = default;
};

class VulkanStepBuffer final : public StepBuffer {
 public:
  // on_free takes bytes_for(limits) off the device's account.
  VulkanStepBuffer(Context& context, const StepLimits& limits, std::function<void()> on_free);
  ~VulkanStepBuffer() override;
  VulkanStepBuffer(const VulkanStepBuffer&) = delete;
  VulkanStepBuffer& operator=(const VulkanStepBuffer&) = delete;

  static uint64_t bytes_for(const StepLimits& limits);

  void write(const StepInputs& inputs);
  // Where in buffer() the dispatch's VkDispatchIndirectCommand stands; equal grids share it.
  uint64_t grid_offset(const Grid& grid);

  bool written() const { return written_; }  // by some step; before, all grids are empty
  VkBuffer buffer() const { return memory_.buffer(); }
  // Device addresses of what the kernels read.
  uint64_t count(RowKind kind) const { return at(kind == RowKind::kRows ? kRowsAt : kWantedAt); }
  uint64_t table_stride() const { return at(kStrideAt); }
  uint64_t tokens() const { return at(tokens_); }
  uint64_t positions() const { return at(positions_); }
  uint64_t sequences() const { return at(sequences_); }
  uint64_t block_tables() const { return at(block_tables_); }
  uint64_t wanted_rows() const { return at(wanted_rows_); }
  uint64_t rope(RopeId id) const { return at(ropes_[static_cast<size_t>(index(id))]); }

 private:
  static constexpr uint64_t kRowsAt = 0;
  static constexpr uint64_t kWantedAt = 4;
  static constexpr uint64_t kStrideAt = 8;
  static constexpr uint64_t kGridsAt = 256;
  static constexpr uint64_t kMaxGrids = 1024;

  uint64_t at(uint64_t offset) const { return memory_.address() + offset; }
  uint64_t reserve(uint64_t bytes);
  void write_grid(size_t slot);
  void check(const StepInputs& inputs) const;

  std::function<void()> on_free_;
  StepLimits limits_;
  uint64_t bytes_ = kGridsAt + kMaxGrids * 16;
  uint64_t tokens_;
  uint64_t positions_;
  uint64_t sequences_;
  uint64_t block_tables_;
  uint64_t wanted_rows_;
  std::vector<uint64_t> ropes_;  // [ropes]
  Memory memory_;                // last: needs bytes_
  std::vector<Grid> grids_;
  bool written_ = false;
  int32_t rows_ = 0;  // of the last step written
  int32_t wanted_ = 0;
};

}  // namespace yoke::vulkan
