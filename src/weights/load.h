// Moves weights from their homes to where they are used: packed, converted or as they are, by several
// threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "devices/device.h"
#include "weights/homes.h"

namespace yoke {

// A box of a weight: rows [row_begin, row_end) and, of each, blocks [block_begin, block_end) of k.
struct WeightRange {
  int64_t row_begin = 0;
  int64_t row_end = 0;
  int64_t block_begin = 0;
  int64_t block_end = 0;
  auto operator<=>(const WeightRange&) const = default;
};
WeightRange whole(const WeightHome& home);

// One range on its way to one place: a matrix of the range's own shape, or f32 for a vector.
struct WeightMove {
  const WeightHome* home = nullptr;
  WeightRange range;
  Layout layout = Layout::kStored;
  Device* device = nullptr;
  Buffer* buffer = nullptr;
  uint64_t offset = 0;
};

// Bytes that the range takes in that layout.
uint64_t range_bytes(const WeightHome& home, const WeightRange& range, Layout layout);
// Its bytes in the file, if they lie together: whole rows.
std::span<const std::byte> range_home(const WeightHome& home, const WeightRange& range);

struct LoadOptions {
  int threads = 1;
  // Told bytes of the homes read so far and in all, on the calling thread.
  std::function<void(uint64_t done, uint64_t total)> progress;
};

// Returns when everything is in place. Reads the moves in order; release_pages is told of what has been read.
// The first failure of any thread is thrown.
void move_weights(std::span<const WeightMove> moves, const WeightHomes& homes, const LoadOptions& options);

}  // namespace yoke
