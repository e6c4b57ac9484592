// The memory of keys and values: one region per cache, on the device where the cache's layer attends.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "devices/device.h"
#include "program/net.h"
#include "program/program.h"

namespace yoke {

// Bytes of one cache of that many blocks as it is allocated, so that a plan can promise exactly that.
uint64_t cache_bytes(const NetCache& cache, KvType type, int32_t blocks);

// Buffers of all caches that the Programs of one placement name. devices: as in the Programs; they outlive
// it.
class KvStorage {
 public:
  KvStorage(const Net& net, std::span<const ProgramCache> caches, std::span<Device* const> devices,
            KvType type, int32_t blocks);

  KvType type() const { return type_; }
  int32_t blocks() const { return blocks_; }
  uint64_t bytes(int32_t device) const;

  // What a Program's Bindings take: its caches, wherever they lie. Throws if one was not given above.
  std::vector<BoundCache> bind(const Program& program) const;

 private:
  struct Entry {
    ProgramCache cache;
    BoundCache bound;
  };

  KvType type_;
  int32_t blocks_;
  std::vector<std::vector<std::unique_ptr<Buffer>>> buffers_;  // [devices][few]
  std::vector<Entry> entries_;
};

}  // namespace yoke
