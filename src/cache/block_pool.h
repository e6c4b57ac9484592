// Hands out cache blocks by number and counts who uses each; it holds no memory.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace yoke {

// One id names the same 32 positions in every cache of its group, on whatever device each cache lies. Not
// thread-safe: the engine's thread owns it. A block that a step in flight names must keep a reference.
class BlockPool {
 public:
  explicit BlockPool(int32_t blocks);

  int32_t total() const { return static_cast<int32_t>(references_.size()); }
  int32_t free_blocks() const { return static_cast<int32_t>(free_.size()); }
  int32_t references(int32_t id) const { return references_[checked(id)]; }

  // A block with one reference; none when all are in use. What was freed longest ago is taken first, so that
  // what was used lately can still be found again.
  std::optional<int32_t> allocate();
  // One more user of a block in use.
  void share(int32_t id);
  // One user less; the last one frees it.
  void release(int32_t id);

 private:
  size_t checked(int32_t id) const;

  std::vector<int32_t> references_;  // [blocks]; 0: free
  std::deque<int32_t> free_;         // taken at the front, put back at the end
};

}  // namespace yoke
