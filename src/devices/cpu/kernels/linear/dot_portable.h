// Primitives of the matrix products in plain C++: GCC's and clang's vector types, lowered to whatever there
// is. Included into an anonymous namespace. Little endian, as GGUF is.

#define YOKE_INLINE inline __attribute__((always_inline))

constexpr int kQuantNarrowRows = 1;  // up to here one panel at a time
constexpr int kQuantMiddleRows = 0;  // none
constexpr bool kTermsBetween = false;
constexpr int kBlockRows = 512;  // rows whose sums are in flight together

template <class Format, int Panels, int... Tokens>
struct Tiles;  // panel_driver.h
template <class Format, bool OnePanel>
using BlockWideTiles = Tiles<Format, 1, 2>;
template <class Format>
using SuperWideTiles = Tiles<Format, 1, 2>;
template <class Format>
using QuantNarrowTiles = Tiles<Format, 1, 1, 2>;
template <class Format>
using FloatWideTiles = Tiles<Format, 1, 1, 2, 4>;
template <class Format>
using FloatNarrowTiles = Tiles<Format, 1, 1, 2, 4>;

typedef float VF __attribute__((vector_size(64)));     // one per row of the panel
typedef int32_t VI __attribute__((vector_size(64)));   // one per row of the panel
typedef uint8_t VB __attribute__((vector_size(64)));   // four per row of the panel
typedef int16_t VS __attribute__((vector_size(64)));   // two per row of the panel
typedef uint16_t VU __attribute__((vector_size(64)));  // two per row of the panel

struct VX {
  VS even;  // elements 0 and 2
  VS odd;   // elements 1 and 3
};

template <class T>
YOKE_INLINE T load_as(const void* p) {
  T v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

YOKE_INLINE VF zero_float() {
  return VF{};
}
YOKE_INLINE VI zero_int() {
  return VI{};
}
YOKE_INLINE VF splat(const float* p) {
  return *p - VF{};
}
YOKE_INLINE VI splat(const int32_t* p) {
  return *p + VI{};
}
YOKE_INLINE VF load(const float* p) {
  return load_as<VF>(p);
}
YOKE_INLINE void store(float* p, VF v) {
  __builtin_memcpy(p, &v, sizeof v);
}
YOKE_INLINE VF load_lanes(const float* p, int lanes) {
  VF v{};
  __builtin_memcpy(&v, p, static_cast<size_t>(lanes) * sizeof(float));
  return v;
}
YOKE_INLINE void store_lanes(float* p, VF v, int lanes) {
  __builtin_memcpy(p, &v, static_cast<size_t>(lanes) * sizeof(float));
}
YOKE_INLINE VB load_bytes(const uint8_t* p) {
  return load_as<VB>(p);
}

YOKE_INLINE VF add(VF a, VF b) {
  return a + b;
}
YOKE_INLINE VF sub(VF a, VF b) {
  return a - b;
}
YOKE_INLINE VF mul(VF a, VF b) {
  return a * b;
}
YOKE_INLINE VI add(VI a, VI b) {
  return a + b;
}
YOKE_INLINE VI mul(VI a, VI b) {
  return a * b;
}
YOKE_INLINE VF to_float(VI v) {
  return __builtin_convertvector(v, VF);
}

// 16 small numbers to int32.
template <class T>
YOKE_INLINE VI widen(const uint8_t* p) {
  typedef T Small __attribute__((vector_size(16 * sizeof(T))));
  return __builtin_convertvector(load_as<Small>(p), VI);
}
YOKE_INLINE VI load_u8(const uint8_t* p) {
  return widen<uint8_t>(p);
}
YOKE_INLINE VI load_i8(const uint8_t* p) {
  return widen<int8_t>(p);
}
// [16][2] bytes to int16 pairs.
YOKE_INLINE VI load_u8_pairs(const uint8_t* p) {
  typedef uint8_t Small __attribute__((vector_size(32)));
  return reinterpret_cast<VI>(__builtin_convertvector(load_as<Small>(p), VS));
}

YOKE_INLINE VI load_i8_pairs(const uint8_t* p) {
  typedef int8_t Small __attribute__((vector_size(32)));
  return reinterpret_cast<VI>(__builtin_convertvector(load_as<Small>(p), VS));
}

YOKE_INLINE VF load_brain(const uint8_t* p) {
  return reinterpret_cast<VF>(widen<uint16_t>(p) << 16);
}
// The same four bytes in every lane.
YOKE_INLINE VB splat_word(const uint8_t* p) {
  return reinterpret_cast<VB>(load_as<int32_t>(p) + VI{});
}
// Pairs of bf16 as floats.
YOKE_INLINE VF lower_brains(VB v) {
  return reinterpret_cast<VF>(reinterpret_cast<VI>(v) << 16);
}
YOKE_INLINE VF upper_brains(VB v) {
  return reinterpret_cast<VF>(reinterpret_cast<VI>(v) & -65536);
}
// Scaling by 2^112 makes every half's bits, subnormals too, the float they mean; infinity and NaN apart.
YOKE_INLINE VF load_half(const uint8_t* p) {
  const VI h = widen<uint16_t>(p);
  const VI magnitude = (h & 0x7FFF) << 13;
  const VF scaled = reinterpret_cast<VF>(magnitude) * 0x1p112f;
  const VI special = magnitude >= 0x0F800000;
  const VI out = (reinterpret_cast<VI>(scaled) & ~special) | ((magnitude | 0x7F800000) & special);
  return reinterpret_cast<VF>(out | ((h & 0x8000) << 16));
}

// (v >> Shift) & Mask in every byte; a negative shift goes up.
template <int Shift, int Mask>
YOKE_INLINE VB bits(VB v) {
  if constexpr (Shift > 0) v = v >> Shift;
  if constexpr (Shift < 0) v = v << -Shift;
  return v & static_cast<uint8_t>(Mask);
}
template <int Shift, int Mask>
YOKE_INLINE VI bits_int(VI v) {
  return (v >> Shift) & Mask;
}
YOKE_INLINE VB join(VB a, VB b) {
  return a | b;
}
// A call, since 64 scalar loads written out at every use compile for minutes.
__attribute__((noinline, unused)) void lookup_bytes(const uint8_t* table, uint8_t* codes) {
  for (int i = 0; i < 64; ++i) codes[i] = table[codes[i]];
}
YOKE_INLINE VB lookup(const uint8_t (&table)[16], VB codes) {
  uint8_t bytes[64];
  __builtin_memcpy(bytes, &codes, sizeof bytes);
  lookup_bytes(table, bytes);
  return load_as<VB>(bytes);
}

// acc + w0 * x0 + w1 * x1 for pairs of int16.
YOKE_INLINE VI dot_pairs(VI acc, VI pairs, const int32_t* x) {
  const int32_t low = static_cast<int16_t>(*x), high = *x >> 16;
  return acc + ((pairs << 16) >> 16) * low + (pairs >> 16) * high;
}

// acc + first * the pairs' lower halves + second * their upper ones; first and second fit 16 bits.
YOKE_INLINE VI add_scaled(VI acc, VI first, VI second, VI pairs) {
  return acc + first * ((pairs << 16) >> 16) + second * (pairs >> 16);
}

// Four signed bytes, the same for every row of the panel.
YOKE_INLINE VX splat_bytes(const uint8_t* p) {
  const auto at = [p](int i) { return static_cast<int32_t>(static_cast<int8_t>(p[i])); };
  const VI even = zero_int() + ((at(0) & 0xFFFF) | (at(2) * 65536));
  const VI odd = zero_int() + ((at(1) & 0xFFFF) | (at(3) * 65536));
  return {reinterpret_cast<VS>(even), reinterpret_cast<VS>(odd)};
}

// A sum of code * x over the groups of a sub-block, plus what start() was given: -offset * sum of x.
template <int Max, int Offset>
struct DotSum {
  struct Codes {
    VS even, odd;
  };
  static YOKE_INLINE Codes prepare(VB v) {
    const VU both = reinterpret_cast<VU>(v);
    return {reinterpret_cast<VS>(both & 0xFF), reinterpret_cast<VS>(both >> 8)};
  }
  YOKE_INLINE void start(VI first) { sum = first; }
  // A product of bytes fits 16 bits, the sum of two need not.
  template <int G>
  YOKE_INLINE void add(const Codes& w, const VX& x) {
    const VI even = reinterpret_cast<VI>(w.even * x.even), odd = reinterpret_cast<VI>(w.odd * x.odd);
    sum = sum + ((even << 16) >> 16) + (even >> 16) + ((odd << 16) >> 16) + (odd >> 16);
  }
  YOKE_INLINE VI total() const { return sum; }
  VI sum;
};
