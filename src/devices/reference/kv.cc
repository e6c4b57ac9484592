#include "devices/reference/kv.h"

#include <cstring>
#include <vector>

#include "tensor/half.h"
#include "tensor/quantize.h"

namespace yoke::reference {
namespace {

// Where dimension d of a head's vector lies, in elements from the head's first one: keys are dimension-major.
int64_t element(const CacheView& cache, KvPart part, int32_t slot, int64_t d) {
  return part == KvPart::kKeys ? d * kBlockPositions + slot : slot * cache.head_dim + d;
}
// q8_0: the same for the scale of dimensions 32 g to 32 g + 31.
int64_t scale_element(const CacheView& cache, KvPart part, int32_t slot, int64_t g) {
  return part == KvPart::kKeys ? g * kBlockPositions + slot : slot * (cache.head_dim / 32) + g;
}

int64_t head_offset(const CacheView& cache, KvPart part, int32_t head) {
  const uint64_t keys = k_block_bytes(cache.type, cache.kv_heads, cache.head_dim);
  const uint64_t one_head = keys / static_cast<uint64_t>(cache.kv_heads);
  return static_cast<int64_t>((part == KvPart::kValues ? keys : 0) + static_cast<uint64_t>(head) * one_head);
}

int64_t scales_bytes(const CacheView& cache) {
  return static_cast<int64_t>(cache.head_dim) / 32 * kBlockPositions * 2;
}

template <class T>
T load(const std::byte* from, int64_t i) {
  T v;
  std::memcpy(&v, from + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return v;
}
template <class T>
void store(std::byte* to, int64_t i, T v) {
  std::memcpy(to + i * static_cast<int64_t>(sizeof(T)), &v, sizeof(T));
}

}  // namespace

void store_vector(const CacheView& cache, KvPart part, std::byte* block, int32_t head, int32_t slot,
                  const float* vector) {
  std::byte* at = block + head_offset(cache, part, head);
  if (cache.type == KvType::kQ8_0) {
    const ActLayout l = act_layout(ActFormat::kQ8x32, cache.head_dim);
    std::vector<std::byte> quantized(static_cast<size_t>(l.row_bytes));
    quantize_activations(ActFormat::kQ8x32, vector, cache.head_dim, quantized.data());
    for (int64_t g = 0; g < cache.head_dim / 32; ++g) {
      const auto scale = load<float>(quantized.data() + l.scale_offset, g);
      store(at, scale_element(cache, part, slot, g), float_to_half(scale));
    }
    for (int64_t d = 0; d < cache.head_dim; ++d) {
      store(at + scales_bytes(cache), element(cache, part, slot, d), load<int8_t>(quantized.data(), d));
    }
    return;
  }
  for (int64_t d = 0; d < cache.head_dim; ++d) {
    if (cache.type == KvType::kF16) {
      store(at, element(cache, part, slot, d), float_to_half(vector[d]));
    } else {
      store(at, element(cache, part, slot, d), vector[d]);
    }
  }
}

void load_vector(const CacheView& cache, KvPart part, const std::byte* block, int32_t head, int32_t slot,
                 float* vector) {
  const std::byte* at = block + head_offset(cache, part, head);
  for (int64_t d = 0; d < cache.head_dim; ++d) {
    const int64_t e = element(cache, part, slot, d);
    if (cache.type == KvType::kF16) {
      vector[d] = half_to_float(load<uint16_t>(at, e));
    } else if (cache.type == KvType::kF32) {
      vector[d] = load<float>(at, e);
    } else {
      const float scale = half_to_float(load<uint16_t>(at, scale_element(cache, part, slot, d / 32)));
      vector[d] = static_cast<float>(load<int8_t>(at + scales_bytes(cache), e)) * scale;
    }
  }
}

void run(const KvWrite& op, const Context& c) {
  const RowsView k = c.rows(op.k);
  const RowsView v = c.rows(op.v);
  const CacheView cache = c.cache(op.cache);
  const uint64_t block_bytes = kv_block_bytes(cache.type, cache.kv_heads, cache.head_dim);
  for (int32_t r = 0; r < c.step().rows; ++r) {
    const int32_t position = c.step().positions[r];
    std::byte* block = cache.data + static_cast<uint64_t>(c.cache_block(r, position, cache)) * block_bytes;
    const int32_t slot = position % kBlockPositions;
    for (int32_t h = 0; h < cache.kv_heads; ++h) {
      const int64_t offset = static_cast<int64_t>(h) * cache.head_dim;
      store_vector(cache, KvPart::kKeys, block, h, slot, k.floats(r) + offset);
      store_vector(cache, KvPart::kValues, block, h, slot, v.floats(r) + offset);
    }
  }
}

}  // namespace yoke::reference
