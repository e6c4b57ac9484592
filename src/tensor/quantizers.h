// How quantize() finds the codes of one block, by family.
#pragma once

#include "tensor/codes.h"

namespace yoke::quantizers {

void quantize_32(DType type, const float* x, BlockCodes& codes);  // x[32]
void quantize_k(DType type, const float* x, BlockCodes& codes);   // x[256]

// Throws kBadFile: the format's scale cannot hold what `value` needs.
[[noreturn]] void does_not_fit(DType type, float value);
// scale as f16 bits; throws where that is infinite. largest: the value to name.
uint16_t half_scale(DType type, float scale, float largest);

// The element of largest magnitude, with its sign; the first where several are equal.
inline float signed_max(const float* x, int n) {
  float best = x[0];
  for (int i = 1; i < n; ++i) {
    if ((x[i] < 0 ? -x[i] : x[i]) > (best < 0 ? -best : best)) best = x[i];
  }
  return best;
}

// 1 / d, or 0 where that is not a number one can multiply by.
inline float inverse(float d) {
  const float i = d == 0.0f ? 0.0f : 1.0f / d;
  return i - i == 0.0f ? i : 0.0f;
}

// The code (0..15) whose value is nearest to x; the lower code where two are equally near.
inline uint8_t nearest(const std::array<int8_t, 16>& values, float d, float x) {
  int best = 0;
  float best_error = 0;
  for (int c = 0; c < 16; ++c) {
    const float off = d * static_cast<float>(values[c]) - x;
    const float error = off < 0 ? -off : off;
    if (c == 0 || error < best_error) {
      best = c;
      best_error = error;
    }
  }
  return static_cast<uint8_t>(best);
}

}  // namespace yoke::quantizers
