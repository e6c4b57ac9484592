// Primitives of the matrix products in AVX-512 F, BW, DQ and VL. With YOKE_VNNI dot products of bytes are one
// instruction; without it they are made of 16-bit products. Included into an anonymous namespace.

#define YOKE_INLINE inline __attribute__((always_inline))

constexpr int kQuantNarrowRows = 4;  // up to here one panel at a time
constexpr int kQuantMiddleRows = 6;  // up to here two panels by six rows
// A block's terms are made between the next one's dot products: its registers suffice for two blocks' sums.
#if defined(YOKE_VNNI)
constexpr bool kTermsBetween = true;
#else
constexpr bool kTermsBetween = false;
#endif
// Rows whose sums are in flight together.
#if defined(YOKE_AMX)
constexpr int kBlockRows = 256;  // unpacking a piece is worth many rows
#else
constexpr int kBlockRows = 128;  // their activations stay in the second cache for all panels of a chunk
#endif

template <class Format, int Panels, int... Tokens>
struct Tiles;  // panel_driver.h
template <class Format, bool OnePanel>
struct BlockTiles {
  using Type = Tiles<Format, 2, 2, 4>;
};
template <class Format>
struct BlockTiles<Format, true> {
  using Type = Tiles<Format, 1, 4, 8>;
};
template <class Format, bool OnePanel>
using BlockWideTiles = typename BlockTiles<Format, OnePanel>::Type;
template <class Format>
using SuperWideTiles = Tiles<Format, 2, 2, 4>;
template <class Format>
using QuantNarrowTiles = Tiles<Format, 1, 1, 2, 4>;
template <class Format>
using FloatWideTiles = Tiles<Format, 2, 1, 2, 4, 6>;
template <class Format>
using FloatNarrowTiles = Tiles<Format, 1, 1, 2, 4>;

// Own types, so that bytes, integers and floats are not mixed up.
struct VF {
  __m512 v;  // one per row of the panel
};
struct VI {
  __m512i v;  // one per row of the panel
};
struct VB {
  __m512i v;  // four per row of the panel
};
struct VX {
  __m512i v;  // the same four signed bytes for every row
};

YOKE_INLINE VF zero_float() {
  return {_mm512_setzero_ps()};
}
YOKE_INLINE VI zero_int() {
  return {_mm512_setzero_si512()};
}
YOKE_INLINE VF splat(const float* p) {
  return {_mm512_set1_ps(*p)};
}
YOKE_INLINE VI splat(const int32_t* p) {
  return {_mm512_set1_epi32(*p)};
}
YOKE_INLINE VX splat_bytes(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  return {_mm512_set1_epi32(four)};
}
YOKE_INLINE VF load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
YOKE_INLINE void store(float* p, VF v) {
  _mm512_storeu_ps(p, v.v);
}
YOKE_INLINE __mmask16 first_lanes(int lanes) {
  return static_cast<__mmask16>((1u << lanes) - 1);
}
YOKE_INLINE VF load_lanes(const float* p, int lanes) {
  return {_mm512_maskz_loadu_ps(first_lanes(lanes), p)};
}
YOKE_INLINE void store_lanes(float* p, VF v, int lanes) {
  _mm512_mask_storeu_ps(p, first_lanes(lanes), v.v);
}
YOKE_INLINE VB load_bytes(const uint8_t* p) {
  return {_mm512_loadu_si512(p)};
}

YOKE_INLINE VF add(VF a, VF b) {
  return {_mm512_add_ps(a.v, b.v)};
}
YOKE_INLINE VF sub(VF a, VF b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
YOKE_INLINE VF mul(VF a, VF b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
YOKE_INLINE VI add(VI a, VI b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
YOKE_INLINE VI mul(VI a, VI b) {
  return {_mm512_mullo_epi32(a.v, b.v)};
}
YOKE_INLINE VF to_float(VI a) {
  return {_mm512_cvtepi32_ps(a.v)};
}

YOKE_INLINE __m128i load16(const uint8_t* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
YOKE_INLINE __m256i load32(const uint8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
YOKE_INLINE VI load_u8(const uint8_t* p) {
  return {_mm512_cvtepu8_epi32(load16(p))};
}
YOKE_INLINE VI load_i8(const uint8_t* p) {
  return {_mm512_cvtepi8_epi32(load16(p))};
}
// [16][2] bytes to int16 pairs.
YOKE_INLINE VI load_u8_pairs(const uint8_t* p) {
  return {_mm512_cvtepu8_epi16(load32(p))};
}
YOKE_INLINE VI load_i8_pairs(const uint8_t* p) {
  return {_mm512_cvtepi8_epi16(load32(p))};
}
YOKE_INLINE VF load_half(const uint8_t* p) {
  return {_mm512_cvtph_ps(load32(p))};
}
YOKE_INLINE VF load_brain(const uint8_t* p) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load32(p)), 16))};
}
// The same four bytes in every lane.
YOKE_INLINE VB splat_word(const uint8_t* p) {
  return {splat_bytes(p).v};
}
// Pairs of bf16 as floats.
YOKE_INLINE VF lower_brains(VB v) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(v.v, 16))};
}
YOKE_INLINE VF upper_brains(VB v) {
  return {_mm512_castsi512_ps(_mm512_and_si512(v.v, _mm512_set1_epi32(-65536)))};
}

// (v >> Shift) & Mask in every byte; a negative shift goes up. Mask leaves none of the neighbour's bits.
template <int Shift, int Mask>
YOKE_INLINE VB bits(VB v) {
  __m512i moved = v.v;
  if constexpr (Shift > 0) moved = _mm512_srli_epi16(moved, Shift);
  if constexpr (Shift < 0) moved = _mm512_slli_epi16(moved, -Shift);
  return {_mm512_and_si512(moved, _mm512_set1_epi8(Mask))};
}
template <int Shift, int Mask>
YOKE_INLINE VI bits_int(VI v) {
  return {_mm512_and_si512(_mm512_srli_epi32(v.v, Shift), _mm512_set1_epi32(Mask))};
}
template <int Shift>
YOKE_INLINE VI shift_up(VI v) {
  return {_mm512_slli_epi32(v.v, Shift)};
}
YOKE_INLINE VB join(VB a, VB b) {
  return {_mm512_or_si512(a.v, b.v)};
}
YOKE_INLINE VB lookup(const uint8_t (&table)[16], VB codes) {
  const __m512i t = _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
  return {_mm512_shuffle_epi8(t, codes.v)};
}

YOKE_INLINE __m512i dot_words(__m512i acc, __m512i pairs, __m512i x) {
#if defined(YOKE_VNNI)
  return _mm512_dpwssd_epi32(acc, pairs, x);
#else
  return _mm512_add_epi32(acc, _mm512_madd_epi16(pairs, x));
#endif
}
// acc + w0 * x0 + w1 * x1 for pairs of int16.
YOKE_INLINE VI dot_pairs(VI acc, VI pairs, const int32_t* x) {
  return {dot_words(acc.v, pairs.v, _mm512_set1_epi32(*x))};
}

// acc + first * the pairs' lower halves + second * their upper ones; first and second fit 16 bits.
YOKE_INLINE VI add_scaled(VI acc, VI first, VI second, VI pairs) {
  const __m512i sums = _mm512_mask_blend_epi16(0xAAAAAAAA, first.v, _mm512_slli_epi32(second.v, 16));
  return {dot_words(acc.v, pairs.v, sums)};
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
    sum = {_mm512_dpbusd_epi32(sum.v, w.v, x.v)};
  }
  YOKE_INLINE VI total() const { return sum; }
  VI sum;
};

#else

// Pairs of products are summed in 16 bits, for as many groups as cannot overflow.
template <int Max, int Offset, bool Wide = (Max > 127)>
struct DotSum {
  static constexpr int kGroups = 32767 / (2 * Max * 127);
  using Codes = VB;
  static YOKE_INLINE Codes prepare(VB v) { return v; }
  YOKE_INLINE void start(VI first) {
    sum = first;
    pairs = _mm512_setzero_si512();
  }
  template <int G>
  YOKE_INLINE void add(const Codes& w, const VX& x) {
    const __m512i products = _mm512_maddubs_epi16(w.v, x.v);
    if constexpr (G > 0 && G % kGroups == 0) flush();
    pairs = G % kGroups == 0 ? products : _mm512_add_epi16(pairs, products);
  }
  YOKE_INLINE VI total() {
    flush();
    return sum;
  }
  YOKE_INLINE void flush() {
    sum = {_mm512_add_epi32(sum.v, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
  }
  VI sum;
  __m512i pairs;
};

// Codes past 127 would overflow a pair: magnitudes are multiplied instead and x takes the sign. The value is
// signed already, so start()'s share of the zero point is not wanted. |x| is at most 127.
template <int Max, int Offset>
struct DotSum<Max, Offset, true> {
  static_assert(Offset == 128);
  struct Codes {
    __m512i magnitude;
    __mmask64 negative;
  };
  static YOKE_INLINE Codes prepare(VB v) {
    const __m512i value = _mm512_xor_si512(v.v, _mm512_set1_epi8(-128));
    return {_mm512_abs_epi8(value), _mm512_movepi8_mask(value)};
  }
  YOKE_INLINE void start(VI) { sum = zero_int(); }
  template <int G>
  YOKE_INLINE void add(const Codes& w, const VX& x) {
    const __m512i turned = _mm512_mask_sub_epi8(x.v, w.negative, _mm512_setzero_si512(), x.v);
    const __m512i products = _mm512_maddubs_epi16(w.magnitude, turned);
    sum = {_mm512_add_epi32(sum.v, _mm512_madd_epi16(products, _mm512_set1_epi16(1)))};
  }
  YOKE_INLINE VI total() const { return sum; }
  VI sum;
};

#endif
