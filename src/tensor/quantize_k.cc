// Blocks of 256 by plain rounding: each sub-block's ideal scale is rounded to a multiple of the block's, then
// each element to the nearest code under the scale that will be read back.
#include <algorithm>
#include <cmath>

#include "tensor/half.h"
#include "tensor/quantizers.h"

namespace yoke::quantizers {
namespace {

int rounded(float x, int low, int high) {
  return static_cast<int>(std::clamp(std::nearbyint(x), static_cast<float>(low), static_cast<float>(high)));
}

// Signed codes and scales: Q3_K, Q6_K, IQ4_XS.
struct Signed {
  int sub;         // elements of a sub-block
  int bottom;      // the value of largest magnitude: -4, -32, -127
  int scale_low;   // smallest sub-scale; the one of largest magnitude
  int scale_high;  // largest sub-scale
};

void quantize_signed(DType type, const Signed& f, const float* x, BlockCodes& codes) {
  float ideal[16] = {};
  const int subs = 256 / f.sub;
  for (int s = 0; s < subs; ++s) {
    ideal[s] = signed_max(x + s * f.sub, f.sub) / static_cast<float>(f.bottom);
  }
  const float largest = signed_max(ideal, subs);
  codes.d =
      half_scale(type, largest / static_cast<float>(f.scale_low), largest * static_cast<float>(f.bottom));
  const float d = half_to_float(codes.d);
  const float inv_d = inverse(d);
  for (int s = 0; s < subs; ++s) {
    const int scale = rounded(ideal[s] * inv_d, f.scale_low, f.scale_high);
    codes.scale[s] = static_cast<int8_t>(scale);
    const float step = d * static_cast<float>(scale);
    const float inv = inverse(step);
    for (int e = s * f.sub; e < (s + 1) * f.sub; ++e) {
      codes.code[e] = type == DType::kIQ4_XS
                          ? nearest(kIq4Values, step, x[e])
                          : static_cast<uint8_t>(rounded(x[e] * inv, f.bottom, -f.bottom - 1) - f.bottom);
    }
  }
}

// Unsigned codes above a minimum: Q2_K, Q4_K, Q5_K.
struct WithMins {
  int sub;
  int top;        // largest code
  int scale_top;  // largest sub-scale and sub-minimum
};

void quantize_with_mins(DType type, const WithMins& f, const float* x, BlockCodes& codes) {
  float low[16] = {};   // how far below zero the sub-block reaches; at least 0
  float high[16] = {};  // its maximum
  const int subs = 256 / f.sub;
  float largest_low = 0;
  for (int s = 0; s < subs; ++s) {
    const auto [min, max] = std::minmax_element(x + s * f.sub, x + (s + 1) * f.sub);
    low[s] = std::max(0.0f, -*min);
    high[s] = *max;
    largest_low = std::max(largest_low, low[s]);
  }
  const float scale_top = static_cast<float>(f.scale_top);
  codes.m = half_scale(type, largest_low / scale_top, -largest_low);
  const float m = half_to_float(codes.m);
  const float inv_m = inverse(m);
  float largest_range = 0;
  for (int s = 0; s < subs; ++s) {
    codes.min[s] = static_cast<uint8_t>(rounded(low[s] * inv_m, 0, f.scale_top));
    low[s] = m * static_cast<float>(codes.min[s]);
    largest_range = std::max(largest_range, high[s] + low[s]);
  }
  const float top = static_cast<float>(f.top);
  codes.d = half_scale(type, largest_range / top / scale_top, largest_range);
  const float d = half_to_float(codes.d);
  const float inv_d = inverse(d);
  for (int s = 0; s < subs; ++s) {
    const int scale = rounded((high[s] + low[s]) / top * inv_d, 0, f.scale_top);
    codes.scale[s] = static_cast<int8_t>(scale);
    const float inv = inverse(d * static_cast<float>(scale));
    for (int e = s * f.sub; e < (s + 1) * f.sub; ++e) {
      codes.code[e] = static_cast<uint8_t>(rounded((x[e] + low[s]) * inv, 0, f.top));
    }
  }
}

}  // namespace

void quantize_k(DType type, const float* x, BlockCodes& codes) {
  switch (type) {
    case DType::kQ2_K:
      return quantize_with_mins(type, {16, 3, 15}, x, codes);
    case DType::kQ3_K:
      return quantize_signed(type, {16, -4, -32, 31}, x, codes);
    case DType::kQ4_K:
      return quantize_with_mins(type, {32, 15, 63}, x, codes);
    case DType::kQ5_K:
      return quantize_with_mins(type, {32, 31, 63}, x, codes);
    case DType::kQ6_K:
      return quantize_signed(type, {16, -32, -128, 127}, x, codes);
    default:
      return quantize_signed(type, {32, -127, -32, 31}, x, codes);
  }
}

}  // namespace yoke::quantizers
