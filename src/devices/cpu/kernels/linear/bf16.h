// Products with BF16 weights against BF16 activations: of each pair of neighbours the second product is added
// first, then the first one (docs/numerics.md). Every product is exact in float32.

#if defined(YOKE_BF16)
using VPair = VB;
YOKE_INLINE VPair weight_pair(const uint8_t* w) {
  return load_bytes(w);
}
YOKE_INLINE VPair row_pair(const uint8_t* x) {
  return splat_word(x);
}
YOKE_INLINE VF dot_pair(VF acc, VPair w, VPair x) {
  return {_mm512_dpbf16_ps(acc.v, reinterpret_cast<__m512bh>(w.v), reinterpret_cast<__m512bh>(x.v))};
}
template <class Format>
using PairWideTiles = Tiles<Format, 2, 1, 2, 4, 8>;
#else
struct VPair {
  VF lower, upper;
};
YOKE_INLINE VPair weight_pair(const uint8_t* w) {
  const VB pair = load_bytes(w);
  return {lower_brains(pair), upper_brains(pair)};
}
YOKE_INLINE VPair row_pair(const uint8_t* x) {
  const VB pair = splat_word(x);
  return {lower_brains(pair), upper_brains(pair)};
}
YOKE_INLINE VF dot_pair(VF acc, VPair w, VPair x) {
  return add(add(acc, mul(x.upper, w.upper)), mul(x.lower, w.lower));
}
template <class Format>
using PairWideTiles = FloatWideTiles<Format>;
#endif

struct BF16 {
  static constexpr int kUnit = 2, kUnitBytes = 64, kNarrowRows = 0, kFetchRows = 4;
  using WideTiles = PairWideTiles<BF16>;
  using NarrowTiles = FloatNarrowTiles<BF16>;

  template <int Panels, int Tokens>
  static YOKE_INLINE void add_pair(const uint8_t* const (&w)[Panels], const uint8_t* const (&x)[Tokens],
                                   int i, VF (&acc)[Panels][Tokens]) {
    VPair weights[Panels];
    unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
      weights[r.value] = weight_pair(w[r.value] + i * kUnitBytes);
    });
    unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
      const VPair one = row_pair(x[t.value] + i * 4);
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
        acc[r.value][t.value] = dot_pair(acc[r.value][t.value], weights[r.value], one);
      });
    });
  }

  template <int Panels, int Tokens>
  static YOKE_INLINE void add_piece(const LinearArgs&, const Tile<Panels, Tokens>& tile,
                                    VF (&acc)[Panels][Tokens]) {
    constexpr int kLine = kVectorBytes / 4;  // pairs in a cache line of a row
    const uint8_t* w[Panels];
    const uint8_t* x[Tokens];
    for (int r = 0; r < Panels; ++r) w[r] = tile.w[r];
    for (int t = 0; t < Tokens; ++t) x[t] = tile.x[t] + tile.k * 2;
    for (int left = (tile.count + 1) / 2; left > 0; left -= kLine) {
      fetch_next<BF16, Panels, Tokens>(tile, w, x, 0, kLine, true);
      const int pairs = left < kLine ? left : kLine;
      for (int i = 0; i < pairs; ++i) add_pair<Panels, Tokens>(w, x, i, acc);
      for (int r = 0; r < Panels; ++r) w[r] += kLine * kUnitBytes;
      for (int t = 0; t < Tokens; ++t) x[t] += kVectorBytes;
    }
  }
};
