// Products with F32 and F16 weights against float32 activations: one multiply and one add per element, in
// order of k.

struct F32 {
  static constexpr int kUnit = 1;
  template <int I>
  static YOKE_INLINE VF weights(const uint8_t* unit) {
    return load(reinterpret_cast<const float*>(unit));
  }
};

struct F16 {
  static constexpr int kUnit = 2;
  template <int I>
  static YOKE_INLINE VF weights(const uint8_t* unit) {
    return load_half(unit + I * 32);
  }
};

// The same pointer, unknown as such to the compiler. A number that is loaded through two of them is broadcast
// by each multiplication's own load: a broadcast of its own would cost an arithmetic slot on Zen 4.
YOKE_INLINE const uint8_t* apart(const uint8_t* p) {
  asm volatile("" : "+r"(p));
  return p;
}
YOKE_INLINE VF splat_bytes_of(const uint8_t* p) {
  return splat(reinterpret_cast<const float*>(p));
}

// Pieces that were converted to floats: for enough rows once for all of them, since converting a vector costs
// as much as three of its multiplications.
struct WideFloats {
  static constexpr bool kIsWide = true;
  static constexpr int kUnit = 1, kUnitBytes = 64, kNarrowRows = 0;

  template <int Panels, int Tokens>
  static YOKE_INLINE void add_piece(const LinearArgs& a, const Tile<Panels, Tokens>& tile,
                                    VF (&acc)[Panels][Tokens]) {
    const uint8_t* w[Panels];
    for (int r = 0; r < Panels; ++r) w[r] = tile.w[r];
    const uint8_t* const x = tile.x[0] + tile.k * 4;
    if (tile.x[Tokens - 1] !=
        tile.x[0] + (Tokens - 1) * a.x_row_bytes) {  // rows that stand in for missing ones
      const uint8_t* rows[Tokens];
      for (int t = 0; t < Tokens; ++t) rows[t] = tile.x[t] + tile.k * 4;
      for (int i = 0; i < tile.count; ++i) {
        unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
          const VF one = splat_bytes_of(rows[t.value] + i * 4);
          unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
            acc[r.value][t.value] = add(acc[r.value][t.value], mul(one, load(weights_at(w[r.value], i))));
          });
        });
      }
      return;
    }
    const int64_t stride = a.x_row_bytes;
    const uint8_t* low[Panels];   // rows 0, 1, 2
    const uint8_t* high[Panels];  // rows 3, 4, 5
    for (int r = 0; r < Panels; ++r) {
      low[r] = apart(x);
      high[r] = apart(x + 3 * stride);
    }
    for (int i = 0; i < tile.count; ++i) {
      VF weights[Panels];
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
        weights[r.value] = load(weights_at(w[r.value], i));
      });
      unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
        unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
          const uint8_t* const at =
              t.value < 3 ? low[r.value] + t.value * stride : high[r.value] + (t.value - 3) * stride;
          acc[r.value][t.value] = add(acc[r.value][t.value], mul(splat_bytes_of(at), weights[r.value]));
        });
      });
      for (int r = 0; r < Panels; ++r) {
        low[r] += 4;
        high[r] += 4;
      }
    }
  }
  static YOKE_INLINE const float* weights_at(const uint8_t* w, int i) {
    return reinterpret_cast<const float*>(w + i * kVectorBytes);
  }
};

template <class Type>
struct Floats {
  // An element's add waits for the one before, so few rows want several panels at work; one row waits for the
  // memory, which gives one stream faster than two.
  static constexpr int kUnit = Type::kUnit, kUnitBytes = 64, kNarrowRows = 1;
  using WideTiles = FloatWideTiles<Floats>;
  using NarrowTiles = FloatNarrowTiles<Floats>;
  using Wide = WideFloats;
  static constexpr int kWidenRows = 16;

  static void widen(const LinearArgs& a, int64_t panel, int64_t piece, uint8_t* to) {
    constexpr int64_t kPieceBytes = kPiece / kUnit * kUnitBytes;
    const uint8_t* w = reinterpret_cast<const uint8_t*>(a.w) + panel * a.panel_bytes + piece * kPieceBytes;
    const int64_t left = a.k - piece * kPiece;
    const int64_t count = left < kPiece ? left : kPiece;
    for (int64_t i = 0; i < count; i += kUnit, w += kUnitBytes) {
      unrolled<kUnit>([&](auto e) __attribute__((always_inline)) {
        store(reinterpret_cast<float*>(to + (i + e.value) * kVectorBytes),
              Type::template weights<e.value>(w));
      });
    }
  }

  template <int I, int Panels, int Tokens>
  static YOKE_INLINE void add_element(const uint8_t* const (&w)[Panels], const float* const (&x)[Tokens],
                                      VF (&acc)[Panels][Tokens]) {
    VF weights[Panels];
    unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
      weights[r.value] = Type::template weights<I>(w[r.value]);
    });
    unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
      const VF one = splat(x[t.value] + I);
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
        acc[r.value][t.value] = add(acc[r.value][t.value], mul(one, weights[r.value]));
      });
    });
  }

  template <int Panels, int Tokens>
  static YOKE_INLINE void add_piece(const LinearArgs&, const Tile<Panels, Tokens>& tile,
                                    VF (&acc)[Panels][Tokens]) {
    const uint8_t* w[Panels];
    const float* x[Tokens];
    for (int r = 0; r < Panels; ++r) w[r] = tile.w[r];
    for (int t = 0; t < Tokens; ++t) x[t] = reinterpret_cast<const float*>(tile.x[t]) + tile.k;
    int i = 0;
    for (; i + kUnit <= tile.count; i += kUnit) {
      unrolled<kUnit>([&](auto e) __attribute__((always_inline)) {
        add_element<e.value, Panels, Tokens>(w, x, acc);
      });
      for (int r = 0; r < Panels; ++r) w[r] += kUnitBytes;
      for (int t = 0; t < Tokens; ++t) x[t] += kUnit;
    }
    if (i < tile.count) add_element<0, Panels, Tokens>(w, x, acc);
  }
};
