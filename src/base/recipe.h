// The scalar form of the numeric recipes (docs/numerics.md): what every kernel on every device must reproduce
// bit for bit. Compile with -ffp-contract=off.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace yoke::recipe {

// Nearest even; |x| < 2^22.
inline float round(float x) {
  return (x + 12582912.0f) - 12582912.0f;
}

// 1 / a for 2^-120 < a < 2^120.
inline float recip(float a) {
  float y = std::bit_cast<float>(0x7EF311C7u - std::bit_cast<uint32_t>(a));
  for (int i = 0; i < 4; ++i) {
    const float ay = a * y;
    const float e = 1.0f - ay;
    const float ye = y * e;
    y = y + ye;
  }
  return y;
}

// 1 / sqrt(a) for normal a > 0.
inline float rsqrt(float a) {
  const float h = 0.5f * a;
  float y = std::bit_cast<float>(0x5f3759dfu - (std::bit_cast<uint32_t>(a) >> 1));
  for (int i = 0; i < 4; ++i) {
    float t = h * y;
    t = t * y;
    t = 1.5f - t;
    y = y * t;
  }
  return y;
}

// min and max as x86 has them: the second operand where the first is not smaller (greater).
inline float exp(float x) {
  x = x > -87.0f ? x : -87.0f;
  x = x < 87.0f ? x : 87.0f;
  const float n = round(x * 1.44269504088896341f);
  const float high = n * 0.693359375f;
  float r = x - high;
  const float low = n * -2.12194440e-4f;
  r = r - low;
  const float z = r * r;
  float p = 1.9875691500e-4f;
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f}) {
    p = p * r;
    p = p + c;
  }
  float y = p * z;
  y = y + r;
  y = y + 1.0f;
  return y * std::bit_cast<float>(static_cast<uint32_t>(static_cast<int32_t>(n) + 127) << 23);
}

// With exp up to e^70 nothing on the way is subnormal: devices that flush give the same bits.
inline float silu(float x) {
  const float d = 1.0f + exp(-x < 70.0f ? -x : 70.0f);
  return x * recip(d);
}

// Sum over n partial sums by halves; n is a power of two. The partial sums are overwritten.
inline float tree(float* p, int n) {
  for (int h = n / 2; h > 0; h /= 2) {
    for (int i = 0; i < h; ++i) p[i] = p[i] + p[i + h];
  }
  return p[0];
}

// Joins the pieces of k like a binary counter: equal levels are added, left first.
class PieceTree {
 public:
  void push(float sum) {
    int level = 0;
    while (depth_ > 0 && levels_[depth_ - 1] == level) {
      --depth_;
      sum = sums_[depth_] + sum;
      ++level;
    }
    sums_[depth_] = sum;
    levels_[depth_++] = level;
  }
  float result() const {  // at least one push
    float sum = sums_[depth_ - 1];
    for (int i = depth_ - 2; i >= 0; --i) sum = sums_[i] + sum;
    return sum;
  }

 private:
  float sums_[32];
  int levels_[32];
  int depth_ = 0;
};

inline constexpr int64_t kPiece = 1024;         // elements of k in one piece
inline constexpr int32_t kAttentionTile = 256;  // positions
inline constexpr int32_t kPartialSums = 64;

}  // namespace yoke::recipe
