// Sixteen floats at a time in plain C++ with the compiler's vectors of 16 bytes (SSE2, NEON). Same names as
// the other simd_*.h.
#pragma once

#include <cstdint>
#include <cstring>

namespace yoke::cpu::portable {
namespace {

typedef float F4 __attribute__((vector_size(16)));
typedef int32_t I4 __attribute__((vector_size(16)));

struct V {
  F4 v[4];
};
struct I {
  I4 v[4];
};

// Registers that an attention tile's accumulators may take: queries x vectors.
constexpr int kTileQueries = 2;
constexpr int kTileVectors = 1;
// Whether the next vectors of a cache are converted ahead of their use: it takes as many registers more.
constexpr bool kConvertAhead = false;
// Vectors on which a long chain of steps works at once.
constexpr int kInterleaved = 1;

template <class F>
inline V each(F f) {
  return {{f(0), f(1), f(2), f(3)}};
}
template <class F>
inline I each_int(F f) {
  return {{f(0), f(1), f(2), f(3)}};
}
inline F4 select(I4 mask, F4 yes, F4 no) {
  return reinterpret_cast<F4>((mask & reinterpret_cast<I4>(yes)) | (~mask & reinterpret_cast<I4>(no)));
}

inline V set(float x) {
  return each([=](int) { return F4{x, x, x, x}; });
}
inline V zero() {
  return set(0.0f);
}
inline V load(const float* p) {
  V r;
  std::memcpy(&r, p, 64);
  return r;
}
inline void store(float* p, V a) {
  std::memcpy(p, &a, 64);
}
// The first n of 16, the others zero; n from 1 to 15.
inline V load_n(const float* p, int n) {
  V r = zero();
  std::memcpy(&r, p, static_cast<size_t>(n) * 4);
  return r;
}
inline void store_n(float* p, V a, int n) {
  std::memcpy(p, &a, static_cast<size_t>(n) * 4);
}

inline V operator+(V a, V b) {
  return each([&](int i) { return a.v[i] + b.v[i]; });
}
inline V operator-(V a, V b) {
  return each([&](int i) { return a.v[i] - b.v[i]; });
}
inline V operator*(V a, V b) {
  return each([&](int i) { return a.v[i] * b.v[i]; });
}
// One broadcast serves several multiplications here (see simd_avx512.h).
inline const float* apart(const float* p) {
  return p;
}
// The second operand where the first is not greater (smaller).
inline V max(V a, V b) {
  return each([&](int i) { return select(a.v[i] > b.v[i], a.v[i], b.v[i]); });
}
inline V min(V a, V b) {
  return each([&](int i) { return select(a.v[i] < b.v[i], a.v[i], b.v[i]); });
}
inline V abs(V a) {
  return each([&](int i) { return reinterpret_cast<F4>(reinterpret_cast<I4>(a.v[i]) & 0x7FFFFFFF); });
}
// a where x >= limit, else 0.
inline V keep_at_least(V x, V limit, V a) {
  return each([&](int i) { return select(x.v[i] >= limit.v[i], a.v[i], F4{}); });
}
// Lanes begin to end - 1 of a, the others from b.
inline V lanes(V a, int begin, int end, V b) {
  return each([&](int i) {
    const I4 lane = I4{0, 1, 2, 3} + 4 * i;
    return select((lane >= begin) & (lane < end), a.v[i], b.v[i]);
  });
}

inline I to_int(V a) {  // of whole numbers
  return each_int([&](int i) { return __builtin_convertvector(a.v[i], I4); });
}
inline I bits(V a) {
  return each_int([&](int i) { return reinterpret_cast<I4>(a.v[i]); });
}
inline V from_bits(I a) {
  return each([&](int i) { return reinterpret_cast<F4>(a.v[i]); });
}
inline I set_int(int32_t x) {
  return each_int([=](int) { return I4{x, x, x, x}; });
}
inline I operator+(I a, I b) {
  return each_int([&](int i) { return a.v[i] + b.v[i]; });
}
inline I operator-(I a, I b) {
  return each_int([&](int i) { return a.v[i] - b.v[i]; });
}
inline I operator^(I a, I b) {
  return each_int([&](int i) { return a.v[i] ^ b.v[i]; });
}
inline I shift_exponent(I a) {
  return each_int([&](int i) { return a.v[i] << 23; });
}

inline V load_half(const uint16_t* p) {
  return each([=](int i) {
    const I4 h = {p[4 * i], p[4 * i + 1], p[4 * i + 2], p[4 * i + 3]};
    const I4 sign = (h & 0x8000) << 16;
    const I4 magnitude = (h & 0x7FFF) << 13;
    // The exponent's bias differs by 112; the product is exact, subnormals included.
    const F4 scaled = reinterpret_cast<F4>(magnitude) * 0x1p112f;
    const I4 special = magnitude >= 0x0F800000;
    const I4 value = (special & (magnitude | 0x7F800000)) | (~special & reinterpret_cast<I4>(scaled));
    return reinterpret_cast<F4>(value | sign);
  });
}
inline float half_at(const uint16_t* p) {
  const uint16_t four[16] = {*p};
  return load_half(four).v[0][0];
}
// Round to nearest even, as half.h.
inline uint16_t half_of(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  const uint32_t sign = (u >> 16) & 0x8000u;
  const uint32_t magnitude = u & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x3FFu));
  if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00u);
  if (magnitude < 0x38800000u) {
    float m;
    std::memcpy(&m, &magnitude, 4);
    m = m + 0.5f;
    std::memcpy(&u, &m, 4);
    return static_cast<uint16_t>(sign | (u - 0x3F000000u));
  }
  return static_cast<uint16_t>(sign | ((magnitude + 0xFFFu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13));
}
inline void store_half(uint16_t* p, V a) {
  for (int i = 0; i < 16; ++i) p[i] = half_of(a.v[i / 4][i % 4]);
}
// Round to nearest even, below 2^-126 to zero.
inline uint16_t brain_of(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  const uint32_t magnitude = u & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<uint16_t>((u >> 16) | 0x40u);
  if (magnitude < 0x00800000u) return 0;
  return static_cast<uint16_t>((u + 0x7FFFu + ((u >> 16) & 1u)) >> 16);
}
inline void store_brain(uint16_t* p, V a) {
  for (int i = 0; i < 16; ++i) p[i] = brain_of(a.v[i / 4][i % 4]);
}
inline V load_i8(const int8_t* p) {
  return each([=](int i) {
    return F4{static_cast<float>(p[4 * i]), static_cast<float>(p[4 * i + 1]),
              static_cast<float>(p[4 * i + 2]), static_cast<float>(p[4 * i + 3])};
  });
}
inline void store_i8(int8_t* p, I a) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(a.v[i / 4][i % 4]);
}

// Halves of 8, 4, 2, 1 added: lower + upper.
inline float tree16(V a) {
  const F4 h4 = (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]);
  const float low = h4[0] + h4[2];
  const float high = h4[1] + h4[3];
  return low + high;
}
inline float max16(V a) {
  const V m = max(a, V{{a.v[2], a.v[3], a.v[0], a.v[1]}});
  const F4 h = select(m.v[0] > m.v[1], m.v[0], m.v[1]);
  const float low = h[0] > h[2] ? h[0] : h[2];
  const float high = h[1] > h[3] ? h[1] : h[3];
  return low > high ? low : high;
}
inline int32_t sum16(I a) {
  const I4 h = (a.v[0] + a.v[1]) + (a.v[2] + a.v[3]);
  return h[0] + h[1] + h[2] + h[3];
}

inline V dup_even(V a) {
  return each([&](int i) { return __builtin_shufflevector(a.v[i], a.v[i], 0, 0, 2, 2); });
}
inline V dup_odd(V a) {
  return each([&](int i) { return __builtin_shufflevector(a.v[i], a.v[i], 1, 1, 3, 3); });
}
inline V swap_pairs(V a) {
  return each([&](int i) { return __builtin_shufflevector(a.v[i], a.v[i], 1, 0, 3, 2); });
}
inline V negate_even(V a) {
  const I4 sign = {INT32_MIN, 0, INT32_MIN, 0};
  return each([&](int i) { return reinterpret_cast<F4>(reinterpret_cast<I4>(a.v[i]) ^ sign); });
}
inline F4 even_of(F4 a, F4 b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6);
}
inline F4 odd_of(F4 a, F4 b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7);
}
inline void deinterleave(V a, V b, V& even, V& odd) {
  even = {
      {even_of(a.v[0], a.v[1]), even_of(a.v[2], a.v[3]), even_of(b.v[0], b.v[1]), even_of(b.v[2], b.v[3])}};
  odd = {{odd_of(a.v[0], a.v[1]), odd_of(a.v[2], a.v[3]), odd_of(b.v[0], b.v[1]), odd_of(b.v[2], b.v[3])}};
}

}  // namespace
}  // namespace yoke::cpu::portable
