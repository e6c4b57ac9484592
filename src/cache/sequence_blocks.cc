#include "cache/sequence_blocks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"

namespace yoke {

SequenceBlocks::SequenceBlocks(SequenceBlocks&& other) noexcept
    : pool_(other.pool_), blocks_(std::exchange(other.blocks_, {})) {}

SequenceBlocks& SequenceBlocks::operator=(SequenceBlocks&& other) noexcept {
  if (this != &other) {
    truncate(0);
    pool_ = other.pool_;
    blocks_ = std::exchange(other.blocks_, {});
  }
  return *this;
}

bool SequenceBlocks::reserve(int64_t positions) {
  const auto wanted = static_cast<size_t>(blocks_for(std::max<int64_t>(positions, 0)));
  if (wanted <= blocks_.size()) return true;
  if (wanted - blocks_.size() > static_cast<size_t>(pool_->free_blocks())) return false;
  blocks_.reserve(wanted);
  while (blocks_.size() < wanted) blocks_.push_back(*pool_->allocate());
  return true;
}

void SequenceBlocks::truncate(int64_t positions) {
  const auto kept = static_cast<size_t>(blocks_for(std::max<int64_t>(positions, 0)));
  while (blocks_.size() > kept) {
    pool_->release(blocks_.back());
    blocks_.pop_back();
  }
}

SequenceBlocks SequenceBlocks::fork(int64_t positions) const {
  SequenceBlocks other(*pool_);
  const auto whole = static_cast<size_t>(std::max<int64_t>(positions, 0) / kBlockPositions);
  const size_t shared = std::min(whole, blocks_.size());
  other.blocks_.reserve(shared);
  for (size_t i = 0; i < shared; ++i) {
    pool_->share(blocks_[i]);
    other.blocks_.push_back(blocks_[i]);
  }
  return other;
}

void SequenceBlocks::write_row(std::span<int32_t> row) const {
  if (blocks_.size() > row.size()) {
    fail(ErrorKind::kRuntime, "writing a block table",
         std::to_string(blocks_.size()) + " blocks in a row of " + std::to_string(row.size()));
  }
  std::fill(std::copy(blocks_.begin(), blocks_.end(), row.begin()), row.end(), -1);
}

}  // namespace yoke
