// Blocks of 32, step by step as PyPI's gguf.quants computes them: the bytes must agree.
#include <algorithm>
#include <cmath>

#include "tensor/half.h"
#include "tensor/quantizers.h"

namespace yoke::quantizers {
namespace {

// Codes 0 .. 2 * half - 1 around zero; the element of largest magnitude becomes code 0 (value -half).
void around_zero(DType type, int half, const float* x, BlockCodes& codes) {
  const float largest = signed_max(x, 32);
  const float d = largest / static_cast<float>(-half);
  const float inv = inverse(d);
  for (int i = 0; i < 32; ++i) {
    const float q = std::trunc(x[i] * inv + (static_cast<float>(half) + 0.5f));
    codes.code[i] = static_cast<uint8_t>(std::clamp(static_cast<int>(q), 0, 2 * half - 1));
  }
  codes.d = half_scale(type, d, largest);
}

// Codes 0 .. top from the minimum to the maximum.
void from_minimum(DType type, int top, const float* x, BlockCodes& codes) {
  const auto [low, high] = std::minmax_element(x, x + 32);
  const float min = *low;
  const float d = (*high - min) / static_cast<float>(top);
  codes.d = half_scale(type, d, *high);
  codes.m = half_scale(type, min, min);
  const float inv = inverse(d);
  for (int i = 0; i < 32; ++i) {
    const float q = std::trunc((x[i] - min) * inv + 0.5f);
    codes.code[i] = static_cast<uint8_t>(std::clamp(static_cast<int>(q), 0, top));
  }
}

void eight_bits(DType type, const float* x, BlockCodes& codes) {
  const float largest = std::fabs(signed_max(x, 32));
  const float d = largest / 127.0f;
  const float inv = inverse(d);
  for (int i = 0; i < 32; ++i) {
    // half away from zero
    const float scaled = x[i] * inv;
    const float a = std::fabs(scaled);
    const float whole = std::floor(a);
    const float q = whole + std::floor(2 * (a - whole));
    codes.code[i] = static_cast<uint8_t>(static_cast<int>(scaled < 0 ? -q : q));
  }
  codes.d = half_scale(type, d, largest);
}

void iq4(DType type, const float* x, BlockCodes& codes) {
  // -127 is the value of largest magnitude.
  const float largest = signed_max(x, 32);
  codes.d = half_scale(type, largest / -127.0f, largest);
  const float d = half_to_float(codes.d);
  for (int i = 0; i < 32; ++i) codes.code[i] = nearest(kIq4Values, d, x[i]);
}

void mxfp4(const float* x, BlockCodes& codes) {
  const float largest = std::fabs(signed_max(x, 32));
  int exponent = 0;
  if (largest > 0) {
    // The logarithm rounded to float, as the oracle takes it.
    const float log = static_cast<float>(std::log2(static_cast<double>(largest)));
    exponent = std::max(0, static_cast<int>(std::floor(log)) - 2 + 127);
  }
  codes.d = static_cast<uint16_t>(exponent);
  const float d = block_scale(DType::kMXFP4, codes.d);
  for (int i = 0; i < 32; ++i) codes.code[i] = nearest(kMxfp4Values, d, x[i]);
}

}  // namespace

void quantize_32(DType type, const float* x, BlockCodes& codes) {
  switch (type) {
    case DType::kQ4_0:
      return around_zero(type, 8, x, codes);
    case DType::kQ5_0:
      return around_zero(type, 16, x, codes);
    case DType::kQ4_1:
      return from_minimum(type, 15, x, codes);
    case DType::kQ5_1:
      return from_minimum(type, 31, x, codes);
    case DType::kIQ4_NL:
      return iq4(type, x, codes);
    case DType::kMXFP4:
      return mxfp4(x, codes);
    default:
      return eight_bits(type, x, codes);
  }
}

}  // namespace yoke::quantizers
