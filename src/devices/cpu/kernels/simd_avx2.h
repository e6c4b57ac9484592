// Sixteen floats at a time with AVX2 and F16C. Same names as the other simd_*.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace yoke::cpu::avx2 {
namespace {

struct V {
  __m256 a, b;  // lanes 0..7, 8..15
};
struct I {
  __m256i a, b;
};

// Registers that an attention tile's accumulators may take: queries x vectors.
constexpr int kTileQueries = 4;
constexpr int kTileVectors = 1;
// Whether the next vectors of a cache are converted ahead of their use: it takes as many registers more.
constexpr bool kConvertAhead = false;
// Vectors on which a long chain of steps works at once.
constexpr int kInterleaved = 2;

inline V zero() {
  return {_mm256_setzero_ps(), _mm256_setzero_ps()};
}
inline V set(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
inline V load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
inline void store(float* p, V x) {
  _mm256_storeu_ps(p, x.a);
  _mm256_storeu_ps(p + 8, x.b);
}
// All ones in the lanes begin to end - 1 of eight.
inline __m256i lane_mask(int begin, int end) {
  const __m256i i = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(begin), i),
                             _mm256_cmpgt_epi32(_mm256_set1_epi32(end), i));
}
// The first n of 16, the others zero; n from 1 to 15.
inline V load_n(const float* p, int n) {
  return {_mm256_maskload_ps(p, lane_mask(0, n)), _mm256_maskload_ps(p + 8, lane_mask(0, n - 8))};
}
inline void store_n(float* p, V x, int n) {
  _mm256_maskstore_ps(p, lane_mask(0, n), x.a);
  _mm256_maskstore_ps(p + 8, lane_mask(0, n - 8), x.b);
}

inline V operator+(V x, V y) {
  return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
}
inline V operator-(V x, V y) {
  return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
}
inline V operator*(V x, V y) {
  return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}
// One broadcast serves several multiplications here (see simd_avx512.h).
inline const float* apart(const float* p) {
  return p;
}
// The second operand where the first is not greater (smaller).
inline V max(V x, V y) {
  return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
}
inline V min(V x, V y) {
  return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)};
}
inline V abs(V x) {
  const __m256 m = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  return {_mm256_and_ps(x.a, m), _mm256_and_ps(x.b, m)};
}
// y where x >= limit, else 0.
inline V keep_at_least(V x, V limit, V y) {
  return {_mm256_and_ps(_mm256_cmp_ps(x.a, limit.a, _CMP_GE_OQ), y.a),
          _mm256_and_ps(_mm256_cmp_ps(x.b, limit.b, _CMP_GE_OQ), y.b)};
}
// Lanes begin to end - 1 of x, the others from y.
inline V lanes(V x, int begin, int end, V y) {
  return {_mm256_blendv_ps(y.a, x.a, _mm256_castsi256_ps(lane_mask(begin, end))),
          _mm256_blendv_ps(y.b, x.b, _mm256_castsi256_ps(lane_mask(begin - 8, end - 8)))};
}

inline I to_int(V x) {
  return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)};
}  // of whole numbers
inline I bits(V x) {
  return {_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)};
}
inline V from_bits(I x) {
  return {_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)};
}
inline I set_int(int32_t x) {
  return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
inline I operator+(I x, I y) {
  return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
}
inline I operator-(I x, I y) {
  return {_mm256_sub_epi32(x.a, y.a), _mm256_sub_epi32(x.b, y.b)};
}
inline I operator^(I x, I y) {
  return {_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)};
}
inline I shift_exponent(I x) {
  return {_mm256_slli_epi32(x.a, 23), _mm256_slli_epi32(x.b, 23)};
}

inline V load_half(const uint16_t* p) {
  const __m128i* h = reinterpret_cast<const __m128i*>(p);
  return {_mm256_cvtph_ps(_mm_loadu_si128(h)), _mm256_cvtph_ps(_mm_loadu_si128(h + 1))};
}
inline float half_at(const uint16_t* p) {
  return _cvtsh_ss(*p);
}
inline void store_half(uint16_t* p, V x) {
  __m128i* h = reinterpret_cast<__m128i*>(p);
  _mm_storeu_si128(h, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  _mm_storeu_si128(h + 1, _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
// Round to nearest even, below 2^-126 to zero; the result in the lower half of each lane.
inline __m256i brain_of(__m256 x) {
  const __m256i u = _mm256_castps_si256(x);
  const __m256i top = _mm256_srli_epi32(u, 16);
  const __m256i odd = _mm256_and_si256(top, _mm256_set1_epi32(1));
  const __m256i r =
      _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7FFF)), odd), 16);
  const __m256i quiet = _mm256_or_si256(top, _mm256_set1_epi32(0x40));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  const __m256i exponent = _mm256_and_si256(u, _mm256_set1_epi32(0x7F800000));
  const __m256i tiny = _mm256_cmpeq_epi32(exponent, _mm256_setzero_si256());
  return _mm256_andnot_si256(tiny, _mm256_blendv_epi8(r, quiet, nan));
}
inline void store_brain(uint16_t* p, V x) {
  // packus works within halves: 0..3 8..11 | 4..7 12..15, put in order by the permutation of quarters
  const __m256i words = _mm256_packus_epi32(brain_of(x.a), brain_of(x.b));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(words, 0xD8));
}
inline V load_i8(const int8_t* p) {
  const __m128i q = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8)))};
}
inline void store_i8(int8_t* p, I x) {
  // packs works within halves: 0..3 8..11 | 4..7 12..15, put in order by the permutation of quarters
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xD8);
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}

// Halves of 8, 4, 2, 1 added: lower + upper.
inline float tree16(V x) {
  const __m256 h8 = _mm256_add_ps(x.a, x.b);
  const __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_add_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}
inline float max16(V x) {
  const __m256 h8 = _mm256_max_ps(x.a, x.b);
  const __m128 h4 = _mm_max_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
  const __m128 h2 = _mm_max_ps(h4, _mm_movehl_ps(h4, h4));
  return _mm_cvtss_f32(_mm_max_ss(h2, _mm_shuffle_ps(h2, h2, 1)));
}
inline int32_t sum16(I x) {
  const __m256i h8 = _mm256_add_epi32(x.a, x.b);
  const __m128i h4 = _mm_add_epi32(_mm256_castsi256_si128(h8), _mm256_extracti128_si256(h8, 1));
  const __m128i h2 = _mm_add_epi32(h4, _mm_shuffle_epi32(h4, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(h2, _mm_shuffle_epi32(h2, 0xB1)));
}

inline V dup_even(V x) {
  return {_mm256_moveldup_ps(x.a), _mm256_moveldup_ps(x.b)};
}
inline V dup_odd(V x) {
  return {_mm256_movehdup_ps(x.a), _mm256_movehdup_ps(x.b)};
}
inline V swap_pairs(V x) {
  return {_mm256_permute_ps(x.a, 0xB1), _mm256_permute_ps(x.b, 0xB1)};
}
inline V negate_even(V x) {
  const __m256 m = _mm256_castsi256_ps(_mm256_set1_epi64x(0x80000000));
  return {_mm256_xor_ps(x.a, m), _mm256_xor_ps(x.b, m)};
}
inline __m256 in_order(__m256 x) {
  return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xD8));
}
inline void deinterleave(V x, V y, V& even, V& odd) {
  even = {in_order(_mm256_shuffle_ps(x.a, x.b, 0x88)), in_order(_mm256_shuffle_ps(y.a, y.b, 0x88))};
  odd = {in_order(_mm256_shuffle_ps(x.a, x.b, 0xDD)), in_order(_mm256_shuffle_ps(y.a, y.b, 0xDD))};
}

}  // namespace
}  // namespace yoke::cpu::avx2
