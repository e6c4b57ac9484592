// Products with float weights against float32 activations: one multiply and one add per element, in order of
// k.

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

struct BF16 {
  static constexpr int kUnit = 2;
  template <int I>
  static YOKE_INLINE VF weights(const uint8_t* unit) {
    return load_brain(unit + I * 32);
  }
};

template <class Type>
struct Floats {
  // An element's add waits for the one before, so even one row wants several panels at work.
  static constexpr int kUnit = Type::kUnit, kUnitBytes = 64, kNarrowRows = 0;
  using WideTiles = FloatWideTiles<Floats>;
  using NarrowTiles = FloatNarrowTiles<Floats>;

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
