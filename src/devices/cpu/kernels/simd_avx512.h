// Sixteen floats at a time with AVX-512 (F, BW, DQ, VL). Same names as the other simd_*.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace yoke::cpu::avx512 {
namespace {

struct V {
  __m512 v;
};
struct I {
  __m512i v;
};

// Registers that an attention tile's accumulators may take: queries x vectors.
constexpr int kTileQueries = 8;
constexpr int kTileVectors = 2;
// Whether the next vectors of a cache are converted ahead of their use: it takes as many registers more.
constexpr bool kConvertAhead = true;
// Vectors on which a long chain of steps works at once.
constexpr int kInterleaved = 4;

inline V zero() {
  return {_mm512_setzero_ps()};
}
inline V set(float x) {
  return {_mm512_set1_ps(x)};
}
inline V load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
inline void store(float* p, V a) {
  _mm512_storeu_ps(p, a.v);
}
inline __mmask16 first(int n) {
  return static_cast<__mmask16>((1u << n) - 1u);
}
// The first n of 16, the others zero; n from 1 to 15.
inline V load_n(const float* p, int n) {
  return {_mm512_maskz_loadu_ps(first(n), p)};
}
inline void store_n(float* p, V a, int n) {
  _mm512_mask_storeu_ps(p, first(n), a.v);
}

inline V operator+(V a, V b) {
  return {_mm512_add_ps(a.v, b.v)};
}
inline V operator-(V a, V b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
inline V operator*(V a, V b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
// The same pointer, unknown as such to the compiler. A number that is loaded through two of them is broadcast
// by each multiplication's own load: a broadcast of its own would cost an arithmetic slot on Zen 4.
inline const float* apart(const float* p) {
  asm("" : "+r"(p));
  return p;
}
// The second operand where the first is not greater (smaller).
inline V max(V a, V b) {
  return {_mm512_max_ps(a.v, b.v)};
}
inline V min(V a, V b) {
  return {_mm512_min_ps(a.v, b.v)};
}
inline V abs(V a) {
  return {_mm512_abs_ps(a.v)};
}
// a where x >= limit, else 0.
inline V keep_at_least(V x, V limit, V a) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, limit.v, _CMP_GE_OQ), a.v)};
}
// Lanes begin to end - 1 of a, the others from b.
inline V lanes(V a, int begin, int end, V b) {
  const unsigned mask = ((1u << end) - 1u) & ~((1u << begin) - 1u);
  return {_mm512_mask_mov_ps(b.v, static_cast<__mmask16>(mask), a.v)};
}

inline I to_int(V a) {
  return {_mm512_cvtps_epi32(a.v)};
}  // of whole numbers
inline I bits(V a) {
  return {_mm512_castps_si512(a.v)};
}
inline V from_bits(I a) {
  return {_mm512_castsi512_ps(a.v)};
}
inline I set_int(int32_t x) {
  return {_mm512_set1_epi32(x)};
}
inline I operator+(I a, I b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
inline I operator-(I a, I b) {
  return {_mm512_sub_epi32(a.v, b.v)};
}
inline I operator^(I a, I b) {
  return {_mm512_xor_si512(a.v, b.v)};
}
inline I shift_exponent(I a) {
  return {_mm512_slli_epi32(a.v, 23)};
}

inline V load_half(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
inline float half_at(const uint16_t* p) {
  return _cvtsh_ss(*p);
}
inline void store_half(uint16_t* p, V a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
// Round to nearest even, below 2^-126 to zero.
inline void store_brain(uint16_t* p, V a) {
  const __m512i u = _mm512_castps_si512(a.v);
  const __m512i top = _mm512_srli_epi32(u, 16);
  const __m512i odd = _mm512_and_si512(top, _mm512_set1_epi32(1));
  __m512i r = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7FFF)), odd), 16);
  r = _mm512_mask_or_epi32(r, _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q), top, _mm512_set1_epi32(0x40));
  const __mmask16 normal = _mm512_test_epi32_mask(u, _mm512_set1_epi32(0x7F800000));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtepi32_epi16(normal, r));
}
inline V load_i8(const int8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
inline void store_i8(int8_t* p, I a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a.v));
}

// Halves of 8, 4, 2, 1 added: lower + upper.
inline float tree16(V a) {
  const __m256 h8 = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_add_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}
inline float max16(V a) {
  const __m256 h8 = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 h4 = _mm_max_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_max_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_max_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}
inline int32_t sum16(I a) {
  const __m256i h8 = _mm256_add_epi32(_mm512_castsi512_si256(a.v), _mm512_extracti32x8_epi32(a.v, 1));
  const __m128i h4 = _mm_add_epi32(_mm256_castsi256_si128(h8), _mm256_extracti128_si256(h8, 1));
  const __m128i h2 = _mm_add_epi32(h4, _mm_shuffle_epi32(h4, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(h2, _mm_shuffle_epi32(h2, 0xB1)));
}

inline V dup_even(V a) {
  return {_mm512_moveldup_ps(a.v)};
}
inline V dup_odd(V a) {
  return {_mm512_movehdup_ps(a.v)};
}
inline V swap_pairs(V a) {
  return {_mm512_permute_ps(a.v, 0xB1)};
}
inline V negate_even(V a) {
  return {_mm512_xor_ps(a.v, _mm512_castsi512_ps(_mm512_set1_epi64(0x80000000)))};
}
inline void deinterleave(V a, V b, V& even, V& odd) {
  const __m512i e = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i o = _mm512_add_epi32(e, _mm512_set1_epi32(1));
  even.v = _mm512_permutex2var_ps(a.v, e, b.v);
  odd.v = _mm512_permutex2var_ps(a.v, o, b.v);
}

}  // namespace
}  // namespace yoke::cpu::avx512
