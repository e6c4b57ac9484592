// Primitives of the matrix products in AVX2, FMA and F16C: a panel's vector is two registers. With YOKE_VNNI
// dot products of bytes are one instruction (AVX-VNNI); without it they are made of 16-bit products. With
// YOKE_EVEX beside it that instruction has AVX-512's encoding, so that machines without AVX-VNNI can test the
// rest. Included into an anonymous namespace.

#define YOKE_INLINE inline __attribute__((always_inline))

constexpr int kQuantNarrowRows = 1 << 20;  // always one panel at a time: there are sixteen registers
constexpr int kQuantMiddleRows = 0;        // none
constexpr bool kTermsBetween = false;
constexpr int kBlockRows = 512;  // rows whose sums are in flight together

template <class Format, int Panels, int... Tokens>
struct Tiles;  // panel_driver.h
template <class Format, bool OnePanel>
using BlockWideTiles = Tiles<Format, 1, 4>;
template <class Format>
using SuperWideTiles = Tiles<Format, 1, 4>;
template <class Format>
using QuantNarrowTiles = Tiles<Format, 1, 1, 2, 4>;
template <class Format>
using FloatWideTiles = Tiles<Format, 2, 1, 2>;
template <class Format>
using FloatNarrowTiles = Tiles<Format, 1, 1, 2>;

// Own types, so that bytes, integers and floats are not mixed up. lo: rows 0..7 of the panel.
struct VF {
  __m256 lo, hi;  // one per row
};
struct VI {
  __m256i lo, hi;  // one per row
};
struct VB {
  __m256i lo, hi;  // four per row
};
struct VX {
  __m256i v;  // the same four signed bytes for every row
};

YOKE_INLINE VF zero_float() {
  return {_mm256_setzero_ps(), _mm256_setzero_ps()};
}
YOKE_INLINE VI zero_int() {
  return {_mm256_setzero_si256(), _mm256_setzero_si256()};
}
YOKE_INLINE VF splat(const float* p) {
  const __m256 v = _mm256_broadcast_ss(p);
  return {v, v};
}
YOKE_INLINE __m256i splat_int(const int32_t* p) {
  return _mm256_set1_epi32(*p);
}
YOKE_INLINE VI splat(const int32_t* p) {
  return {splat_int(p), splat_int(p)};
}
YOKE_INLINE VX splat_bytes(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  return {_mm256_set1_epi32(four)};
}
YOKE_INLINE VF load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
YOKE_INLINE void store(float* p, VF v) {
  _mm256_storeu_ps(p, v.lo);
  _mm256_storeu_ps(p + 8, v.hi);
}
YOKE_INLINE VF load_lanes(const float* p, int lanes) {
  if (lanes == 16) return load(p);
  float all[16] = {};
  __builtin_memcpy(all, p, static_cast<size_t>(lanes) * sizeof(float));
  return load(all);
}
YOKE_INLINE void store_lanes(float* p, VF v, int lanes) {
  if (lanes == 16) return store(p, v);
  float all[16];
  store(all, v);
  __builtin_memcpy(p, all, static_cast<size_t>(lanes) * sizeof(float));
}
YOKE_INLINE __m256i load32(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
YOKE_INLINE VB load_bytes(const uint8_t* p) {
  return {load32(p), load32(p + 32)};
}

YOKE_INLINE VF add(VF a, VF b) {
  return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
YOKE_INLINE VF sub(VF a, VF b) {
  return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
YOKE_INLINE VF mul(VF a, VF b) {
  return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
YOKE_INLINE VI add(VI a, VI b) {
  return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
YOKE_INLINE VI mul(VI a, VI b) {
  return {_mm256_mullo_epi32(a.lo, b.lo), _mm256_mullo_epi32(a.hi, b.hi)};
}
YOKE_INLINE VF to_float(VI a) {
  return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)};
}

YOKE_INLINE __m128i load16(const uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
YOKE_INLINE __m128i load8(const uint8_t* p) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
}
YOKE_INLINE VI load_u8(const uint8_t* p) {
  return {_mm256_cvtepu8_epi32(load8(p)), _mm256_cvtepu8_epi32(load8(p + 8))};
}
YOKE_INLINE VI load_i8(const uint8_t* p) {
  return {_mm256_cvtepi8_epi32(load8(p)), _mm256_cvtepi8_epi32(load8(p + 8))};
}
// [16][2] bytes to int16 pairs.
YOKE_INLINE VI load_u8_pairs(const uint8_t* p) {
  return {_mm256_cvtepu8_epi16(load16(p)), _mm256_cvtepu8_epi16(load16(p + 16))};
}
YOKE_INLINE VI load_i8_pairs(const uint8_t* p) {
  return {_mm256_cvtepi8_epi16(load16(p)), _mm256_cvtepi8_epi16(load16(p + 16))};
}
YOKE_INLINE VF load_half(const uint8_t* p) {
  return {_mm256_cvtph_ps(load16(p)), _mm256_cvtph_ps(load16(p + 16))};
}
YOKE_INLINE VF load_brain(const uint8_t* p) {
  const __m256i lo = _mm256_cvtepu16_epi32(load16(p)), hi = _mm256_cvtepu16_epi32(load16(p + 16));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(lo, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(hi, 16))};
}
// The same four bytes in every lane.
YOKE_INLINE VB splat_word(const uint8_t* p) {
  const VX four = splat_bytes(p);
  return {four.v, four.v};
}
// Pairs of bf16 as floats.
YOKE_INLINE VF lower_brains(VB v) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(v.lo, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(v.hi, 16))};
}
YOKE_INLINE VF upper_brains(VB v) {
  const __m256i mask = _mm256_set1_epi32(-65536);
  return {_mm256_castsi256_ps(_mm256_and_si256(v.lo, mask)),
          _mm256_castsi256_ps(_mm256_and_si256(v.hi, mask))};
}

template <int Shift>
YOKE_INLINE __m256i moved16(__m256i v) {
  if constexpr (Shift > 0) return _mm256_srli_epi16(v, Shift);
  if constexpr (Shift < 0) return _mm256_slli_epi16(v, -Shift);
  return v;
}
// (v >> Shift) & Mask in every byte; a negative shift goes up. Mask leaves none of the neighbour's bits.
template <int Shift, int Mask>
YOKE_INLINE VB bits(VB v) {
  const __m256i mask = _mm256_set1_epi8(Mask);
  return {_mm256_and_si256(moved16<Shift>(v.lo), mask), _mm256_and_si256(moved16<Shift>(v.hi), mask)};
}
template <int Shift, int Mask>
YOKE_INLINE VI bits_int(VI v) {
  const __m256i mask = _mm256_set1_epi32(Mask);
  return {_mm256_and_si256(_mm256_srli_epi32(v.lo, Shift), mask),
          _mm256_and_si256(_mm256_srli_epi32(v.hi, Shift), mask)};
}
YOKE_INLINE VB join(VB a, VB b) {
  return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}
YOKE_INLINE VB lookup(const uint8_t (&table)[16], VB codes) {
  const __m256i t = _mm256_broadcastsi128_si256(load16(table));
  return {_mm256_shuffle_epi8(t, codes.lo), _mm256_shuffle_epi8(t, codes.hi)};
}

#if defined(YOKE_VNNI)
YOKE_INLINE __m256i dot_bytes(__m256i acc, __m256i codes, __m256i x) {
#if defined(YOKE_EVEX)
  return _mm256_dpbusd_epi32(acc, codes, x);
#else
  return _mm256_dpbusd_avx_epi32(acc, codes, x);
#endif
}
YOKE_INLINE __m256i dot_words(__m256i acc, __m256i pairs, __m256i x) {
#if defined(YOKE_EVEX)
  return _mm256_dpwssd_epi32(acc, pairs, x);
#else
  return _mm256_dpwssd_avx_epi32(acc, pairs, x);
#endif
}
#else
YOKE_INLINE __m256i dot_words(__m256i acc, __m256i pairs, __m256i x) {
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, x));
}
#endif

// acc + w0 * x0 + w1 * x1 for pairs of int16.
YOKE_INLINE VI dot_pairs(VI acc, VI pairs, const int32_t* x) {
  const __m256i v = splat_int(x);
  return {dot_words(acc.lo, pairs.lo, v), dot_words(acc.hi, pairs.hi, v)};
}
// acc + first * the pairs' lower halves + second * their upper ones; first and second fit 16 bits.
YOKE_INLINE VI add_scaled(VI acc, VI first, VI second, VI pairs) {
  const __m256i lo = _mm256_blend_epi16(first.lo, _mm256_slli_epi32(second.lo, 16), 0xAA);
  const __m256i hi = _mm256_blend_epi16(first.hi, _mm256_slli_epi32(second.hi, 16), 0xAA);
  return {dot_words(acc.lo, pairs.lo, lo), dot_words(acc.hi, pairs.hi, hi)};
}

#if defined(YOKE_VNNI)

// A sum of code * x over the groups of a sub-block, plus what start() was given: -offset * sum of x.
template <int Max, int Offset>
struct DotSum {
  using Codes = VB;
  static YOKE_INLINE Codes prepare(VB v) { return v; }
  YOKE_INLINE void start(VI first) { sum = first; }
  template <int G>
  YOKE_INLINE void add(const Codes& w, const VX& x) {
    sum = {dot_bytes(sum.lo, w.lo, x.v), dot_bytes(sum.hi, w.hi, x.v)};
  }
  YOKE_INLINE VI total() const { return sum; }
  VI sum;
};

#else

YOKE_INLINE __m256i widened(__m256i pairs) {
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

// Pairs of products are summed in 16 bits, for as many groups as cannot overflow; the first such run waits
// for total() or for the next.
template <int Max, int Offset, bool Wide = (Max > 127)>
struct DotSum {
  static constexpr int kGroups = 32767 / (2 * Max * 127);
  using Codes = VB;
  static YOKE_INLINE Codes prepare(VB v) { return v; }
  YOKE_INLINE void start(VI first) { sum = first; }
  template <int G>
  YOKE_INLINE void add(const Codes& w, const VX& x) {
    if constexpr (G > 0 && G % kGroups == 0) flush();
    const __m256i lo = _mm256_maddubs_epi16(w.lo, x.v), hi = _mm256_maddubs_epi16(w.hi, x.v);
    pairs =
        G % kGroups == 0 ? VI{lo, hi} : VI{_mm256_add_epi16(pairs.lo, lo), _mm256_add_epi16(pairs.hi, hi)};
  }
  YOKE_INLINE VI total() {
    flush();
    return sum;
  }
  YOKE_INLINE void flush() {
    sum = {_mm256_add_epi32(sum.lo, widened(pairs.lo)), _mm256_add_epi32(sum.hi, widened(pairs.hi))};
  }
  VI sum;
  VI pairs;
};

// Codes past 127 would overflow a pair: magnitudes are multiplied instead and x takes the sign. The value is
// signed already, so start()'s share of the zero point is not wanted. |x| is at most 127.
template <int Max, int Offset>
struct DotSum<Max, Offset, true> {
  static_assert(Offset == 128);
  struct Codes {
    VB value, magnitude;
  };
  static YOKE_INLINE Codes prepare(VB v) {
    const __m256i flip = _mm256_set1_epi8(-128);
    const VB value = {_mm256_xor_si256(v.lo, flip), _mm256_xor_si256(v.hi, flip)};
    return {value, {_mm256_abs_epi8(value.lo), _mm256_abs_epi8(value.hi)}};
  }
  YOKE_INLINE void start(VI) { sum = zero_int(); }
  template <int G>
  YOKE_INLINE void add(const Codes& w, const VX& x) {
    const __m256i lo = _mm256_maddubs_epi16(w.magnitude.lo, _mm256_sign_epi8(x.v, w.value.lo));
    const __m256i hi = _mm256_maddubs_epi16(w.magnitude.hi, _mm256_sign_epi8(x.v, w.value.hi));
    sum = {_mm256_add_epi32(sum.lo, widened(lo)), _mm256_add_epi32(sum.hi, widened(hi))};
  }
  YOKE_INLINE VI total() const { return sum; }
  VI sum;
};

#endif
