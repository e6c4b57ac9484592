// The cache blocks of one sequence, in order of position: its row of a step's block tables.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cache/block_pool.h"
#include "program/step_inputs.h"

namespace yoke {

inline int32_t blocks_for(int64_t positions) {
  return static_cast<int32_t>((positions + kBlockPositions - 1) / kBlockPositions);
}

// Gives its blocks back when destroyed; the pool outlives it.
class SequenceBlocks {
 public:
  explicit SequenceBlocks(BlockPool& pool) : pool_(&pool) {}
  ~SequenceBlocks() { truncate(0); }
  SequenceBlocks(SequenceBlocks&& other) noexcept;
  SequenceBlocks& operator=(SequenceBlocks&& other) noexcept;
  SequenceBlocks(const SequenceBlocks&) = delete;
  SequenceBlocks& operator=(const SequenceBlocks&) = delete;

  const std::vector<int32_t>& blocks() const { return blocks_; }
  // Positions that the blocks have room for.
  int64_t capacity() const { return static_cast<int64_t>(blocks_.size()) * kBlockPositions; }

  // Makes room for that many positions. All or nothing: false leaves everything as it was.
  bool reserve(int64_t positions);
  // Keeps the blocks of the first `positions`, gives the others back.
  void truncate(int64_t positions);
  // A second sequence that shares the whole blocks among the first `positions`; a block only partly filled is
  // not shared, since the two would write into it. The other's capacity() says how much is shared.
  SequenceBlocks fork(int64_t positions) const;

  // row[blocks_per_sequence]: the ids, then -1. Throws if there are more blocks than that.
  void write_row(std::span<int32_t> row) const;

 private:
  BlockPool* pool_;
  std::vector<int32_t> blocks_;
};

}  // namespace yoke
