// One element of a cache block as docs/layouts.md places it, read or written.
#pragma once

#include "devices/reference/ops.h"

namespace yoke::reference {

enum class KvPart : uint8_t { kKeys, kValues };

// `block`: the block's first byte; slot: position within the block. vector: [head_dim].
void store_vector(const CacheView& cache, KvPart part, std::byte* block, int32_t head, int32_t slot,
                  const float* vector);
void load_vector(const CacheView& cache, KvPart part, const std::byte* block, int32_t head, int32_t slot,
                 float* vector);

}  // namespace yoke::reference
