#include <cstring>

#include "tensor/codes.h"
#include "tensor/half.h"
#include "tensor/quantize.h"

namespace yoke {
namespace {

// The published formulas, product by product: they decide the last bit.
void block_values(DType type, const CodeTraits& t, int n, const BlockCodes& codes, float* out) {
  const float d = block_scale(type, codes.d);
  const float m = t.mins || t.offset ? half_to_float(codes.m) : 0.0f;
  for (int first = 0; first < n; first += t.sub) {
    const int sub = first / t.sub;
    const float scale = t.scales ? d * static_cast<float>(codes.scale[sub]) : d;
    const float min = t.mins ? m * static_cast<float>(codes.min[sub]) : 0.0f;
    for (int e = first; e < first + t.sub; ++e) {
      const float x = scale * static_cast<float>(t.map[codes.code[e]]);
      out[e] = t.mins ? x - min : t.offset ? x + m : x;
    }
  }
}

uint16_t load16(const std::byte* p) {
  uint16_t bits;
  std::memcpy(&bits, p, 2);
  return bits;
}

}  // namespace

void dequantize(DType type, const std::byte* blocks, int64_t n, float* out) {
  switch (type) {
    case DType::kF32:
      std::memcpy(out, blocks, static_cast<size_t>(n) * 4);
      return;
    case DType::kF16:
      for (int64_t i = 0; i < n; ++i) out[i] = half_to_float(load16(blocks + 2 * i));
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < n; ++i) out[i] = bf16_to_float(load16(blocks + 2 * i));
      return;
    default:
      break;
  }
  const DTypeTraits& t = traits(type);
  const CodeTraits& code = code_traits(type);
  BlockCodes codes;
  for (int64_t i = 0; i < n; i += t.block) {
    take_apart(type, blocks, codes);
    block_values(type, code, t.block, codes, out + i);
    blocks += t.block_bytes;
  }
}

}  // namespace yoke
