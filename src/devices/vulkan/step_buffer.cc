#include "devices/vulkan/step_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace yoke::vulkan {
namespace {

template <class T>
void copy_to(std::byte* to, const std::vector<T>& from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size() * sizeof(T));
}

uint64_t aligned(uint64_t bytes) {
  return (bytes + 255) / 256 * 256;
}

}  // namespace

uint64_t VulkanStepBuffer::reserve(uint64_t bytes) {
  const uint64_t offset = bytes_;
  bytes_ += aligned(bytes);
  return offset;
}

uint64_t VulkanStepBuffer::bytes_for(const StepLimits& limits) {
  uint64_t bytes = kGridsAt + kMaxGrids * 16 + 3 * aligned(uint64_t{4} * limits.rows) +
                   aligned(uint64_t{4} * limits.sequences * limits.blocks_per_sequence) +
                   aligned(uint64_t{4} * limits.wanted);
  for (const int32_t pairs : limits.rope_pairs) bytes += aligned(uint64_t{8} * limits.rows * pairs);
  return bytes;
}

VulkanStepBuffer::~VulkanStepBuffer() {
  on_free_();
}

VulkanStepBuffer::VulkanStepBuffer(Context& context, const StepLimits& limits, std::function<void()> on_free)
    : on_free_(std::move(on_free)),
      limits_(limits),
      tokens_(reserve(uint64_t{4} * limits.rows)),
      positions_(reserve(uint64_t{4} * limits.rows)),
      sequences_(reserve(uint64_t{4} * limits.rows)),
      block_tables_(reserve(uint64_t{4} * limits.sequences * limits.blocks_per_sequence)),
      wanted_rows_(reserve(uint64_t{4} * limits.wanted)),
      ropes_([&] {
        std::vector<uint64_t> ropes;
        for (const int32_t pairs : limits.rope_pairs)
          ropes.push_back(reserve(uint64_t{8} * limits.rows * pairs));
        return ropes;
      }()),
      memory_(context, bytes_, MemoryUse::kHostWrites, "reserving the step's inputs on " + context.name()) {
  std::memset(memory_.mapped(), 0, bytes_);
}

void VulkanStepBuffer::check(const StepInputs& in) const {
  const auto rows = static_cast<size_t>(in.rows);
  const auto tables = static_cast<uint64_t>(limits_.sequences) * limits_.blocks_per_sequence;
  const bool fits = in.rows >= 0 && in.rows <= limits_.rows && in.wanted() <= limits_.wanted &&
                    in.tokens.size() <= rows && in.positions.size() <= rows && in.sequences.size() <= rows &&
                    in.block_tables.size() <= tables && in.ropes.size() <= ropes_.size();
  if (!fits) fail(ErrorKind::kRuntime, "writing a step's inputs", "they exceed the Program's limits");
  for (size_t i = 0; i < in.ropes.size(); ++i) {
    if (in.ropes[i].size() > 2 * rows * static_cast<size_t>(limits_.rope_pairs[i])) {
      fail(ErrorKind::kRuntime, "writing a step's inputs", "rope " + std::to_string(i) + " is too long");
    }
  }
}

void VulkanStepBuffer::write(const StepInputs& in) {
  check(in);
  written_ = true;
  rows_ = in.rows;
  wanted_ = in.wanted();
  std::byte* p = memory_.mapped();
  const std::vector<int32_t> header = {in.rows, in.wanted(), in.blocks_per_sequence};
  copy_to(p, header);
  copy_to(p + tokens_, in.tokens);
  copy_to(p + positions_, in.positions);
  copy_to(p + sequences_, in.sequences);
  copy_to(p + block_tables_, in.block_tables);
  copy_to(p + wanted_rows_, in.wanted_rows);
  for (size_t i = 0; i < in.ropes.size(); ++i) copy_to(p + ropes_[i], in.ropes[i]);
  for (size_t slot = 0; slot < grids_.size(); ++slot) write_grid(slot);
}

uint64_t VulkanStepBuffer::grid_offset(const Grid& grid) {
  auto found = std::ranges::find(grids_, grid);
  if (found == grids_.end()) {
    if (grids_.size() == kMaxGrids) fail(ErrorKind::kRuntime, "compiling a segment", "it has too many grids");
    grids_.push_back(grid);
    found = grids_.end() - 1;
    write_grid(grids_.size() - 1);
  }
  return memory_.offset() + kGridsAt + static_cast<uint64_t>(found - grids_.begin()) * 16;
}

void VulkanStepBuffer::write_grid(size_t slot) {
  const Grid& grid = grids_[slot];
  const int32_t rows = grid.rows == RowKind::kRows ? rows_ : wanted_;
  VkDispatchIndirectCommand command{0, 0, 0};
  if (rows >= grid.min_rows && rows <= grid.max_rows) {
    command = {(static_cast<uint32_t>(rows) + grid.tile - 1) / grid.tile, grid.columns, 1};
  }
  std::memcpy(memory_.mapped() + kGridsAt + slot * 16, &command, sizeof(command));
}

}  // namespace yoke::vulkan
