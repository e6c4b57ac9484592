#include "tensor/quantize.h"

#include <cmath>
#include <cstring>
#include <string>

#include "base/error.h"
#include "tensor/half.h"
#include "tensor/quantizers.h"

namespace yoke {
namespace quantizers {

void does_not_fit(DType type, float value) {
  fail(ErrorKind::kBadFile, "quantizing to " + std::string(traits(type).name),
       "a value near " + std::to_string(value) + " is too large for the format (use BF16 or F32)");
}

uint16_t half_scale(DType type, float scale, float largest) {
  const uint16_t half = float_to_half(scale);
  if ((half & 0x7C00u) == 0x7C00u) does_not_fit(type, largest);
  return half;
}

}  // namespace quantizers

namespace {

void store16(std::byte* p, uint16_t bits) {
  std::memcpy(p, &bits, 2);
}

}  // namespace

void quantize(DType type, const float* in, int64_t n, std::byte* blocks) {
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(in[i])) {
      fail(ErrorKind::kBadFile, "quantizing to " + std::string(traits(type).name),
           "element " + std::to_string(i) + " is not a finite number");
    }
  }
  const int32_t block = traits(type).block;
  const int32_t block_bytes = traits(type).block_bytes;
  if (type == DType::kF32) {
    std::memcpy(blocks, in, static_cast<size_t>(n) * 4);
  } else if (type == DType::kF16) {
    for (int64_t i = 0; i < n; ++i) store16(blocks + 2 * i, quantizers::half_scale(type, in[i], in[i]));
  } else if (type == DType::kBF16) {
    for (int64_t i = 0; i < n; ++i) {
      const uint16_t bits = float_to_bf16(in[i]);
      if ((bits & 0x7F80u) == 0x7F80u) quantizers::does_not_fit(type, in[i]);
      store16(blocks + 2 * i, bits);
    }
  } else {
    for (int64_t i = 0; i < n; i += block, blocks += block_bytes) {
      BlockCodes codes{};
      if (block == 32) {
        quantizers::quantize_32(type, in + i, codes);
      } else {
        quantizers::quantize_k(type, in + i, codes);
      }
      put_together(type, codes, blocks);
    }
  }
}

}  // namespace yoke
