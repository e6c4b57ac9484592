#include "cache/kv_storage.h"

#include <string>

#include "base/error.h"
#include "devices/buffer_plan.h"

namespace yoke {

uint64_t cache_bytes(const NetCache& cache, KvType type, int32_t blocks) {
  return align_buffer(kv_block_bytes(type, cache.kv_heads, cache.head_dim) * static_cast<uint64_t>(blocks));
}

KvStorage::KvStorage(const Net& net, std::span<const ProgramCache> caches, std::span<Device* const> devices,
                     KvType type, int32_t blocks)
    : type_(type), blocks_(blocks), buffers_(devices.size()) {
  for (size_t d = 0; d < devices.size(); ++d) {
    std::vector<uint64_t> pieces;
    const size_t first = entries_.size();
    for (const ProgramCache& cache : caches) {
      if (cache.device != static_cast<int32_t>(d)) continue;
      const NetCache& shape = net.caches[static_cast<size_t>(index(cache.source))];
      pieces.push_back(cache_bytes(shape, type, blocks));
      entries_.push_back({cache, {nullptr, 0, shape.kv_heads, shape.head_dim, type, blocks}});
    }
    const BufferPlan plan = plan_buffers(pieces, devices[d]->info().max_buffer_bytes);
    for (const uint64_t bytes : plan.buffer_bytes) {
      buffers_[d].push_back(devices[d]->allocate(bytes, BufferUse::kCache));
    }
    for (size_t i = 0; i < pieces.size(); ++i) {
      BoundCache& bound = entries_[first + i].bound;
      bound.buffer = buffers_[d][static_cast<size_t>(plan.spots[i].buffer)].get();
      bound.offset = plan.spots[i].offset;
    }
  }
}

uint64_t KvStorage::bytes(int32_t device) const {
  uint64_t sum = 0;
  for (const auto& buffer : buffers_[static_cast<size_t>(device)]) sum += buffer->bytes();
  return sum;
}

std::vector<BoundCache> KvStorage::bind(const Program& program) const {
  std::vector<BoundCache> bound;
  for (const ProgramCache& wanted : program.caches) {
    const Entry* found = nullptr;
    for (const Entry& entry : entries_) {
      if (entry.cache.source == wanted.source && entry.cache.device == wanted.device) found = &entry;
    }
    if (!found) {
      fail(ErrorKind::kRuntime, "binding the cache",
           "cache " + std::to_string(index(wanted.source)) + " has no memory on device " +
               std::to_string(wanted.device));
    }
    bound.push_back(found->bound);
  }
  return bound;
}

}  // namespace yoke
