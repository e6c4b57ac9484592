#include "cache/block_pool.h"

#include <string>

#include "base/error.h"

namespace yoke {

BlockPool::BlockPool(int32_t blocks) {
  if (blocks < 0) fail(ErrorKind::kRuntime, "making a pool of cache blocks", "a negative number of blocks");
  references_.assign(static_cast<size_t>(blocks), 0);
  for (int32_t id = 0; id < blocks; ++id) free_.push_back(id);
}

std::optional<int32_t> BlockPool::allocate() {
  if (free_.empty()) return std::nullopt;
  const int32_t id = free_.front();
  free_.pop_front();
  references_[static_cast<size_t>(id)] = 1;
  return id;
}

void BlockPool::share(int32_t id) {
  int32_t& references = references_[checked(id)];
  if (references == 0) {
    fail(ErrorKind::kRuntime, "sharing cache block " + std::to_string(id), "it is not in use");
  }
  ++references;
}

void BlockPool::release(int32_t id) {
  int32_t& references = references_[checked(id)];
  if (references == 0) {
    fail(ErrorKind::kRuntime, "releasing cache block " + std::to_string(id), "it is not in use");
  }
  if (--references == 0) free_.push_back(id);
}

size_t BlockPool::checked(int32_t id) const {
  if (id < 0 || id >= total()) {
    fail(ErrorKind::kRuntime, "using cache block " + std::to_string(id),
         "the pool has " + std::to_string(total()) + " blocks");
  }
  return static_cast<size_t>(id);
}

}  // namespace yoke
