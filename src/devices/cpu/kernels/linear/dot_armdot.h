// Primitives of the matrix products in AArch64 with the dot product instructions (Armv8.2 FEAT_DotProd): a
// panel's vector is four registers. With YOKE_I8MM (FEAT_I8MM) codes are taken unsigned as they are; without
// it they are made signed. Included into an anonymous namespace.

#define YOKE_INLINE inline __attribute__((always_inline))

constexpr int kQuantNarrowRows = 1 << 20;  // always one panel at a time
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

constexpr int kQuarters = 4;  // of a panel: rows 0..3, 4..7, 8..11, 12..15

// Own types, so that bytes, integers and floats are not mixed up.
struct VF {
  float32x4_t q[kQuarters];  // one per row
};
struct VI {
  int32x4_t q[kQuarters];  // one per row
};
struct VB {
  uint8x16_t q[kQuarters];  // four per row
};
struct VX {
  int8x16_t v;  // the same four signed bytes for every row
};

// f(i) for the four quarters.
template <class V, class Body>
YOKE_INLINE V quarters(Body&& body) {
  return {body(0), body(1), body(2), body(3)};
}
#define YOKE_QUARTERS(V, expression) \
  quarters<V>([&](int i) __attribute__((always_inline)) { return expression; })

YOKE_INLINE VF zero_float() {
  return YOKE_QUARTERS(VF, (static_cast<void>(i), vdupq_n_f32(0)));
}
YOKE_INLINE VI zero_int() {
  return YOKE_QUARTERS(VI, (static_cast<void>(i), vdupq_n_s32(0)));
}
YOKE_INLINE VF splat(const float* p) {
  const float32x4_t v = vld1q_dup_f32(p);
  return {v, v, v, v};
}
YOKE_INLINE VI splat(const int32_t* p) {
  const int32x4_t v = vld1q_dup_s32(p);
  return {v, v, v, v};
}
YOKE_INLINE VX splat_bytes(const uint8_t* p) {
  int32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  return {vreinterpretq_s8_s32(vdupq_n_s32(four))};
}
YOKE_INLINE VF load(const float* p) {
  return YOKE_QUARTERS(VF, vld1q_f32(p + 4 * i));
}
YOKE_INLINE void store(float* p, VF v) {
  for (int i = 0; i < kQuarters; ++i) vst1q_f32(p + 4 * i, v.q[i]);
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
YOKE_INLINE VB load_bytes(const uint8_t* p) {
  return YOKE_QUARTERS(VB, vld1q_u8(p + 16 * i));
}

YOKE_INLINE VF add(VF a, VF b) {
  return YOKE_QUARTERS(VF, vaddq_f32(a.q[i], b.q[i]));
}
YOKE_INLINE VF sub(VF a, VF b) {
  return YOKE_QUARTERS(VF, vsubq_f32(a.q[i], b.q[i]));
}
YOKE_INLINE VF mul(VF a, VF b) {
  return YOKE_QUARTERS(VF, vmulq_f32(a.q[i], b.q[i]));
}
YOKE_INLINE VI add(VI a, VI b) {
  return YOKE_QUARTERS(VI, vaddq_s32(a.q[i], b.q[i]));
}
YOKE_INLINE VI mul(VI a, VI b) {
  return YOKE_QUARTERS(VI, vmulq_s32(a.q[i], b.q[i]));
}
YOKE_INLINE VF to_float(VI a) {
  return YOKE_QUARTERS(VF, vcvtq_f32_s32(a.q[i]));
}

// 16 small numbers to int32.
YOKE_INLINE VI widened(int16x8_t low, int16x8_t high) {
  return {vmovl_s16(vget_low_s16(low)), vmovl_s16(vget_high_s16(low)), vmovl_s16(vget_low_s16(high)),
          vmovl_s16(vget_high_s16(high))};
}
YOKE_INLINE VI load_u8(const uint8_t* p) {
  const uint8x16_t v = vld1q_u8(p);
  return widened(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(v))),
                 vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(v))));
}
YOKE_INLINE VI load_i8(const uint8_t* p) {
  const int8x16_t v = vreinterpretq_s8_u8(vld1q_u8(p));
  return widened(vmovl_s8(vget_low_s8(v)), vmovl_s8(vget_high_s8(v)));
}
// [16][2] bytes to int16 pairs.
YOKE_INLINE VI load_u8_pairs(const uint8_t* p) {
  return YOKE_QUARTERS(VI, vreinterpretq_s32_u16(vmovl_u8(vld1_u8(p + 8 * i))));
}
YOKE_INLINE VI load_i8_pairs(const uint8_t* p) {
  return YOKE_QUARTERS(VI, vreinterpretq_s32_s16(vmovl_s8(vreinterpret_s8_u8(vld1_u8(p + 8 * i)))));
}
YOKE_INLINE uint16x4_t load_words(const uint8_t* p) {
  return vreinterpret_u16_u8(vld1_u8(p));
}
YOKE_INLINE VF load_half(const uint8_t* p) {
  return YOKE_QUARTERS(VF, vcvt_f32_f16(vreinterpret_f16_u16(load_words(p + 8 * i))));
}
YOKE_INLINE VF load_brain(const uint8_t* p) {
  return YOKE_QUARTERS(VF, vreinterpretq_f32_u32(vshll_n_u16(load_words(p + 8 * i), 16)));
}
// The same four bytes in every lane.
YOKE_INLINE VB splat_word(const uint8_t* p) {
  uint32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  const uint8x16_t v = vreinterpretq_u8_u32(vdupq_n_u32(word));
  return {v, v, v, v};
}
// Pairs of bf16 as floats.
YOKE_INLINE VF lower_brains(VB v) {
  return YOKE_QUARTERS(VF, vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u8(v.q[i]), 16)));
}
YOKE_INLINE VF upper_brains(VB v) {
  return YOKE_QUARTERS(
      VF, vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u8(v.q[i]), vdupq_n_u32(0xFFFF0000u))));
}

// (v >> Shift) & Mask in every byte; a negative shift goes up.
template <int Shift>
YOKE_INLINE uint8x16_t moved(uint8x16_t v) {
  if constexpr (Shift > 0) return vshrq_n_u8(v, Shift);
  if constexpr (Shift < 0) return vshlq_n_u8(v, -Shift);
  return v;
}
template <int Shift, int Mask>
YOKE_INLINE VB bits(VB v) {
  return YOKE_QUARTERS(VB, vandq_u8(moved<Shift>(v.q[i]), vdupq_n_u8(Mask)));
}
template <int Shift, int Mask>
YOKE_INLINE VI bits_int(VI v) {
  return YOKE_QUARTERS(VI, vandq_s32(vshlq_s32(v.q[i], vdupq_n_s32(-Shift)), vdupq_n_s32(Mask)));
}
YOKE_INLINE VB join(VB a, VB b) {
  return YOKE_QUARTERS(VB, vorrq_u8(a.q[i], b.q[i]));
}
YOKE_INLINE VB lookup(const uint8_t (&table)[16], VB codes) {
  const uint8x16_t t = vld1q_u8(table);
  return YOKE_QUARTERS(VB, vqtbl1q_u8(t, codes.q[i]));
}

// acc + w0 * x0 + w1 * x1 for pairs of int16.
YOKE_INLINE VI dot_pairs(VI acc, VI pairs, const int32_t* x) {
  const int32x4_t x0 = vdupq_n_s32(static_cast<int16_t>(*x)), x1 = vdupq_n_s32(*x >> 16);
  return YOKE_QUARTERS(VI, vmlaq_s32(vmlaq_s32(acc.q[i], vshrq_n_s32(vshlq_n_s32(pairs.q[i], 16), 16), x0),
                                     vshrq_n_s32(pairs.q[i], 16), x1));
}

// acc + first * the pairs' lower halves + second * their upper ones; first and second fit 16 bits.
YOKE_INLINE VI add_scaled(VI acc, VI first, VI second, VI pairs) {
  return YOKE_QUARTERS(
      VI, vmlaq_s32(vmlaq_s32(acc.q[i], first.q[i], vshrq_n_s32(vshlq_n_s32(pairs.q[i], 16), 16)),
                    second.q[i], vshrq_n_s32(pairs.q[i], 16)));
}

// A sum of code * x over the groups of a sub-block, plus what start() was given: -offset * sum of x. Without
// unsigned dot products codes past 127 are made signed values first, and the zero point has no share.
template <int Max, int Offset>
struct DotSum {
#if defined(YOKE_I8MM)
  static constexpr bool kSigned = false;
#else
  static constexpr bool kSigned = Max > 127;
  static_assert(!kSigned || Offset == 128);
#endif
  using Codes = VB;
  static YOKE_INLINE Codes prepare(VB v) {
    if constexpr (kSigned) return YOKE_QUARTERS(VB, veorq_u8(v.q[i], vdupq_n_u8(0x80)));
    return v;
  }
  YOKE_INLINE void start(VI first) {
    sum = kSigned ? zero_int() : first;
  }
  template <int G>
  YOKE_INLINE void add(const Codes& w, const VX& x) {
#if defined(YOKE_I8MM)
    sum = YOKE_QUARTERS(VI, vusdotq_s32(sum.q[i], w.q[i], x.v));
#else
    sum = YOKE_QUARTERS(VI, vdotq_s32(sum.q[i], vreinterpretq_s8_u8(w.q[i]), x.v));
#endif
  }
  YOKE_INLINE VI total() const {
    return sum;
  }
  VI sum;
};

#if defined(YOKE_I8MM)

// Matrix instructions take two rows of codes by two rows of activations, eight bytes of each: twice the
// products of a dot product's. Two groups make the eight bytes.
#define YOKE_ROW_PAIRS 1

// The groups' codes, two rows of the panel a register.
struct RowPairs {
  uint8x16_t v[2 * kQuarters];
};
YOKE_INLINE RowPairs row_pairs(const VB& even, const VB& odd) {
  RowPairs out;
  for (int i = 0; i < kQuarters; ++i) {
    const uint32x4_t a = vreinterpretq_u32_u8(even.q[i]), b = vreinterpretq_u32_u8(odd.q[i]);
    out.v[2 * i] = vreinterpretq_u8_u32(vzip1q_u32(a, b));
    out.v[2 * i + 1] = vreinterpretq_u8_u32(vzip2q_u32(a, b));
  }
  return out;
}

// The sums of two rows of activations.
struct PairSum {
  YOKE_INLINE void start(const VI& first, const VI& second) {
    for (int i = 0; i < kQuarters; ++i) {
      v[2 * i] = vzip1q_s32(first.q[i], second.q[i]);
      v[2 * i + 1] = vzip2q_s32(first.q[i], second.q[i]);
    }
  }
  // first, second: eight bytes of either row.
  YOKE_INLINE void add(const RowPairs& w, const uint8_t* first, const uint8_t* second) {
    const int8x16_t x = vreinterpretq_s8_u8(vcombine_u8(vld1_u8(first), vld1_u8(second)));
    for (int i = 0; i < 2 * kQuarters; ++i) v[i] = vusmmlaq_s32(v[i], w.v[i], x);
  }
  YOKE_INLINE VI first() const { return YOKE_QUARTERS(VI, vuzp1q_s32(v[2 * i], v[2 * i + 1])); }
  YOKE_INLINE VI second() const { return YOKE_QUARTERS(VI, vuzp2q_s32(v[2 * i], v[2 * i + 1])); }
  int32x4_t v[2 * kQuarters];  // of panel rows 2i, 2i + 1: first, second, first, second
};

#endif
