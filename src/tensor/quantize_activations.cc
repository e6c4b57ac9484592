#include <cmath>
#include <cstring>

#include "base/recipe.h"
#include "tensor/half.h"
#include "tensor/layout.h"
#include "tensor/quantize.h"

namespace yoke {
namespace {

// One block: q[n] and its scale.
float quantize_block(const float* x, int64_t n, int8_t* q) {
  float amax = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float a = std::fabs(x[i]);
    amax = a > amax ? a : amax;
  }
  if (amax < 0x1p-100f) {
    std::memset(q, 0, static_cast<size_t>(n));
    return 0;
  }
  const float inv = 127.0f * recipe::recip(amax);
  for (int64_t i = 0; i < n; ++i) {
    float r = recipe::round(x[i] * inv);
    r = r > -127.0f ? r : -127.0f;
    r = r < 127.0f ? r : 127.0f;
    q[i] = static_cast<int8_t>(r);
  }
  return amax * 0x1.020408p-7f;
}

template <class Sum>
void write_sums(const int8_t* q, int64_t k, int64_t group, std::byte* out) {
  for (int64_t first = 0; first < k; first += group) {
    int sum = 0;
    for (int64_t i = first; i < first + group; ++i) sum += q[i];
    const auto value = static_cast<Sum>(sum);
    std::memcpy(out, &value, sizeof(Sum));
    out += sizeof(Sum);
  }
}

void round_to_bf16(const float* x, int64_t k, int64_t padded, std::byte* row) {
  for (int64_t i = 0; i < padded; ++i) {
    const float value = i < k && !(std::fabs(x[i]) < 0x1p-126f) ? x[i] : 0.0f;
    const uint16_t bits = float_to_bf16(value);
    std::memcpy(row + 2 * i, &bits, 2);
  }
}

}  // namespace

void quantize_activations(ActFormat format, const float* in, int64_t k, std::byte* row) {
  const ActLayout l = act_layout(format, k);
  if (format == ActFormat::kF32) {
    std::memcpy(row, in, static_cast<size_t>(k) * 4);
    return;
  }
  if (format == ActFormat::kBF16) return round_to_bf16(in, k, (k + 1) / 2 * 2, row);
  const int64_t block = format == ActFormat::kQ8x32 ? 32 : 256;
  auto* q = reinterpret_cast<int8_t*>(row);
  for (int64_t b = 0; b < k / block; ++b) {
    const float scale = quantize_block(in + b * block, block, q + b * block);
    std::memcpy(row + l.scale_offset + 4 * b, &scale, 4);
  }
  std::memset(q + k, 0, static_cast<size_t>(l.scale_offset - k));
  if (format == ActFormat::kQ8x32) {
    write_sums<int32_t>(q, k, 32, row + l.sums_offset);
  } else {
    write_sums<int16_t>(q, k, 16, row + l.sums_offset);
    write_sums<int16_t>(q, k, 32, row + l.sums32_offset);
  }
}

}  // namespace yoke
