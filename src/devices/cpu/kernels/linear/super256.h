// Products with formats of super-blocks of 256 against Q8x256 activations (docs/layouts.md,
// docs/numerics.md): integer sums of sub-blocks times integer sub-scales stay integers; one float term per
// 256.

// A super-block is kSteps steps of kStepSubs sub-blocks of kSubGroups vectors; a step's data lie at a fixed
// stride. codes<S, G>: the vector of sub-block S of the step, group G, as unsigned bytes; value = code -
// kOffset. scale<S>: the sub-scales as int32, or, where a sub-block's sum fits 16 bits, scale_pairs, as
// min_pairs: for sub-blocks 2p, 2p + 1, as int16 pairs.
// kCodesAt: where what is not scales begins. kFetchRows, kSixRows as in block32.h.
struct Q4_K {
  static constexpr int kUnitBytes = 2368, kCodesAt = 320, kMax = 15, kOffset = 0;
  static constexpr int kMostScale = 63;  // of either sign
  static constexpr int kSteps = 4, kStepSubs = 2, kSubGroups = 8;
  static constexpr int kFetchRows = 4;
  static constexpr bool kHasMin = true;
  static constexpr bool kSixRows = true;
  template <int S, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit, int step) {
    return nibbles<S>(unit + kCodesAt + (step * 8 + G) * kVectorBytes);
  }
  template <int S>
  static YOKE_INLINE VI scale(const uint8_t* unit, int step) {
    return load_u8(unit + 64 + (step * 2 + S) * kLanes);
  }
  static YOKE_INLINE VI min_pairs(const uint8_t* unit, int pair) {
    return load_u8_pairs(unit + 192 + pair * 32);
  }
};

struct Q5_K {
  static constexpr int kUnitBytes = 2880, kCodesAt = 320, kMax = 31, kOffset = 0;
  static constexpr int kMostScale = 63;
  static constexpr int kSteps = 4, kStepSubs = 2, kSubGroups = 8;
  static constexpr int kFetchRows = 4;
  static constexpr bool kHasMin = true;
  static constexpr bool kSixRows = true;
  template <int S, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit, int step) {
    return five_bits<S, G>(unit + kCodesAt + step * 10 * kVectorBytes);
  }
  template <int S>
  static YOKE_INLINE VI scale(const uint8_t* unit, int step) {
    return Q4_K::scale<S>(unit, step);
  }
  static YOKE_INLINE VI min_pairs(const uint8_t* unit, int pair) { return Q4_K::min_pairs(unit, pair); }
};

struct Q6_K {
  static constexpr int kUnitBytes = 3392, kCodesAt = 320, kMax = 63, kOffset = 32;
  static constexpr int kMostScale = 128;
  static constexpr int kSteps = 16, kStepSubs = 1, kSubGroups = 4;
  static constexpr int kFetchRows = 4;
  static constexpr bool kHasMin = false;
  static constexpr bool kSixRows = true;
  template <int S, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit, int step) {
    const uint8_t* const v = unit + kCodesAt + step * 3 * kVectorBytes;
    if constexpr (G < 3) {
      return bits<0, 0x3F>(load_bytes(v + G * kVectorBytes));
    } else {
      const VB a = bits<6, 0x03>(load_bytes(v));
      const VB b = bits<4, 0x0C>(load_bytes(v + kVectorBytes));
      const VB c = bits<2, 0x30>(load_bytes(v + 2 * kVectorBytes));
      return join(join(a, b), c);
    }
  }
  template <int S>
  static YOKE_INLINE VI scale(const uint8_t* unit, int step) {
    return load_i8(unit + 64 + step * kLanes);
  }
};

struct Q3_K {
  static constexpr int kUnitBytes = 1856, kCodesAt = 320, kMax = 7, kOffset = 4;
  static constexpr int kMostScale = 32;
  static constexpr int kSteps = 8, kStepSubs = 2, kSubGroups = 4;
  static constexpr int kFetchRows = 4;
  static constexpr bool kHasMin = false;
  static constexpr bool kSixRows = false;
  template <int S, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit, int step) {
    const uint8_t* const v = unit + kCodesAt + step * 3 * kVectorBytes;
    constexpr int g = S * 4 + G;
    if constexpr (g < 6) {
      return bits<g % 2 * 3, 0x07>(load_bytes(v + g / 2 * kVectorBytes));
    } else {
      const VB high = bits<g - 2, 0x04>(load_bytes(v + 2 * kVectorBytes));
      return join(bits<6, 0x03>(load_bytes(v + (g - 6) * kVectorBytes)), high);
    }
  }
  static YOKE_INLINE VI scale_pairs(const uint8_t* unit, int pair) {
    return load_i8_pairs(unit + 64 + pair * 2 * kLanes);
  }
};

struct Q2_K {
  static constexpr int kUnitBytes = 1344, kCodesAt = 320, kMax = 3, kOffset = 0;
  static constexpr int kMostScale = 15;
  static constexpr int kSteps = 8, kStepSubs = 2, kSubGroups = 4;
  static constexpr int kFetchRows = 4;
  static constexpr bool kHasMin = true;
  static constexpr bool kSixRows = false;
  template <int S, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit, int step) {
    return bits<G * 2, 0x03>(load_bytes(unit + kCodesAt + (step * 2 + S) * kVectorBytes));
  }
  static YOKE_INLINE VI scale_pairs(const uint8_t* unit, int pair) {
    return bits_int<0, 0x000F000F>(load_u8_pairs(unit + 64 + pair * 2 * kLanes));
  }
  static YOKE_INLINE VI min_pairs(const uint8_t* unit, int pair) {
    return bits_int<4, 0x000F000F>(load_u8_pairs(unit + 64 + pair * 2 * kLanes));
  }
};

struct IQ4_XS {
  static constexpr int kUnitBytes = 2240, kCodesAt = 192, kMax = 255, kOffset = 128;
  static constexpr int kMostScale = 32;
  static constexpr int kSteps = 4, kStepSubs = 2, kSubGroups = 8;
  static constexpr int kFetchRows = 2;
  static constexpr bool kHasMin = false;
  static constexpr bool kSixRows = true;
  template <int S, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit, int step) {
    return lookup(kIq4Codes, nibbles<S>(unit + kCodesAt + (step * 8 + G) * kVectorBytes));
  }
  template <int S>
  static YOKE_INLINE VI scale(const uint8_t* unit, int step) {
    return load_i8(unit + 64 + (step * 2 + S) * kLanes);
  }
};

template <class Codes>
concept HasScalePairs = requires(const uint8_t* unit) {
  Codes::scale_pairs(unit, 0);
};

// What a tile needs of its activations beside the bytes; the inner loop's part is gathered to have one base.
template <int Tokens>
struct Blocks256 {
  const float* scales[Tokens];         // of the super-blocks
  const int32_t* pairs[Tokens];        // sums of sub-blocks 2p, 2p + 1 as int16, for formats with minimums
  int32_t start[Tokens][kPiece / 16];  // the zero point's share per sub-block: -offset * sum
};

template <class Codes>
struct Super256 {
  static constexpr int kUnit = 256, kUnitBytes = Codes::kUnitBytes, kNarrowRows = kQuantNarrowRows;
  static constexpr int kFetchRows = Codes::kFetchRows;
  static constexpr int kMiddleRows = Codes::kSixRows ? kQuantMiddleRows : 0;
  using WideTiles = SuperWideTiles<Super256>;
  using NarrowTiles = QuantNarrowTiles<Super256>;
  static constexpr int kSubs = Codes::kSteps * Codes::kStepSubs;

  template <int Tokens>
  static YOKE_INLINE void gather(const LinearArgs& a, const uint8_t* const (&x)[Tokens], int64_t k,
                                 int blocks, Blocks256<Tokens>& out) {
    const int64_t sums_offset = kSubs == 16 ? a.x_sums_offset : a.x_sums32_offset;
    for (int t = 0; t < Tokens; ++t) {
      const auto* sums = reinterpret_cast<const int16_t*>(x[t] + sums_offset) + k / 256 * kSubs;
      out.scales[t] = reinterpret_cast<const float*>(x[t] + a.x_scale_offset) + k / 256;
      out.pairs[t] = reinterpret_cast<const int32_t*>(sums);
      if (Codes::kOffset != 0) {
        for (int s = 0; s < blocks * kSubs; ++s) out.start[t][s] = sums[s] * -Codes::kOffset;
      }
    }
  }

  template <int Panels, int Tokens>
  using Sums = DotSum<Codes::kMax, Codes::kOffset>[Panels][Tokens];

  // The exact sums of sub-block S of a pair.
  template <int S, int Panels, int Tokens, class Between>
  static YOKE_INLINE void sum_sub(const uint8_t* const (&w)[Panels], const uint8_t* const (&x)[Tokens],
                                  int pair, const int32_t* start, Sums<Panels, Tokens>& sums,
                                  Between&& between) {
    unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
      const VI first = Codes::kOffset == 0 ? zero_int() : splat(start + t.value * (kPiece / 16) + S);
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) { sums[r.value][t.value].start(first); });
    });
    const auto codes = [&](auto r, auto g) __attribute__((always_inline)) {
      return Codes::template codes<sub_of<S>(), g.value>(w[r.value], step_of<S>(pair));
    };
    sum_groups<Codes::kSubGroups>(x, S * Codes::kSubGroups * 4, sums, codes, between);
  }
  // Where a format with one sub-block in a step has those of a pair.
  template <int S>
  static constexpr int sub_of() {
    return Codes::kStepSubs == 2 ? S : 0;
  }
  template <int S>
  static YOKE_INLINE int step_of(int pair) {
    return Codes::kStepSubs == 2 ? pair : 2 * pair + S;
  }

  // Sum I of a sub-block, panel by panel, times its integer scale joins the super-block's total.
  template <int S, int I, int Panels, int Tokens>
  static YOKE_INLINE void add_sum(const uint8_t* const (&w)[Panels], int pair, Sums<Panels, Tokens>& sums,
                                  VI& scale, VI (&total)[Panels][Tokens]) {
    constexpr int r = I / Tokens, t = I % Tokens;
    if constexpr (t == 0) scale = Codes::template scale<sub_of<S>()>(w[r], step_of<S>(pair));
    total[r][t] = add(total[r][t], mul(sums[r][t].total(), scale));
  }
  template <int S, int Panels, int Tokens>
  static YOKE_INLINE void add_sums(const uint8_t* const (&w)[Panels], int pair, Sums<Panels, Tokens>& sums,
                                   VI (&total)[Panels][Tokens]) {
    VI scale;
    unrolled<Panels * Tokens>([&](auto i) __attribute__((always_inline)) {
      add_sum<S, i.value>(w, pair, sums, scale, total);
    });
  }

  // The super-block's float term.
  template <int Panels, int Tokens>
  static YOKE_INLINE void add_term(const uint8_t* const (&w)[Panels], const Blocks256<Tokens>& act, int block,
                                   const VI (&total)[Panels][Tokens], VF (&acc)[Panels][Tokens]) {
    VI mins[Panels][Tokens];
    if constexpr (Codes::kHasMin) {
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
        unrolled<Tokens>([&](auto t) __attribute__((always_inline)) { mins[r.value][t.value] = zero_int(); });
        for (int p = 0; p < kSubs / 2; ++p) {
          const VI pairs = Codes::min_pairs(w[r.value], p);
          unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
            VI& sum = mins[r.value][t.value];
            sum = dot_pairs(sum, pairs, act.pairs[t.value] + (block * (kSubs / 2) + p));
          });
        }
      });
    }
    unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
      const VF d = load_half(w[r.value]);
      unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
        VF term = mul(to_float(total[r.value][t.value]), d);
        if constexpr (Codes::kHasMin) {
          term = sub(term, mul(to_float(mins[r.value][t.value]), load_half(w[r.value] + 32)));
        }
        acc[r.value][t.value] = add(acc[r.value][t.value], mul(term, splat(act.scales[t.value] + block)));
      });
    });
  }

  // A pair's sums, where they fit 16 bits.
  template <int Panels, int Tokens>
  static YOKE_INLINE void add_both(const uint8_t* const (&w)[Panels], int pair, Sums<Panels, Tokens>& first,
                                   Sums<Panels, Tokens>& second, VI (&total)[Panels][Tokens]) {
    unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
      const VI scales = Codes::scale_pairs(w[r.value], pair);
      unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
        VI& sum = total[r.value][t.value];
        sum = add_scaled(sum, first[r.value][t.value].total(), second[r.value][t.value].total(), scales);
      });
    });
  }

  // All sub-blocks of a super-block. With kTermsBetween a sub-block's sums are scaled between the next one's
  // dot products.
  template <int Panels, int Tokens>
  static YOKE_INLINE void add_pairs(const Tile<Panels, Tokens>& tile, const uint8_t* const (&w)[Panels],
                                    const uint8_t* (&x)[Tokens], const int32_t*& start,
                                    VI (&total)[Panels][Tokens]) {
    constexpr bool kBetween =
        kTermsBetween && Panels * Tokens == 8 && !Codes::kHasMin && !HasScalePairs<Codes>;
    constexpr int kPairs = kSubs / 2;
    constexpr int kPairElements = 2 * Codes::kSubGroups * 4;
    constexpr int kLines = kUnitBytes / kVectorBytes;
    const auto nothing = [](auto) {};
    Sums<Panels, Tokens> first, second;
    VI scale;
    if constexpr (kBetween) sum_sub<0>(w, x, 0, start, first, nothing);
    for (int pair = 0; pair < kPairs; ++pair) {
      const int line = kLines * pair / kPairs;
      const int end = kLines * (pair + 1) / kPairs;
      fetch_next<Super256, Panels, Tokens>(tile, w, x, line, end, pair % (64 / kPairElements) == 0);
      if constexpr (HasScalePairs<Codes>) {
        sum_sub<0>(w, x, pair, start, first, nothing);
        sum_sub<1>(w, x, pair, start, second, nothing);
        add_both(w, pair, first, second, total);
      } else if constexpr (!kBetween) {
        sum_sub<0>(w, x, pair, start, first, nothing);
        add_sums<0>(w, pair, first, total);
        sum_sub<1>(w, x, pair, start, second, nothing);
        add_sums<1>(w, pair, second, total);
      } else {
        sum_sub<1>(
            w, x, pair, start, second, [&](auto i) __attribute__((always_inline)) {
              add_sum<0, i.value>(w, pair, first, scale, total);
            });
      }
      for (int t = 0; t < Tokens; ++t) x[t] += kPairElements;
      start += 2;
      if constexpr (kBetween) {
        if (pair + 1 == kPairs) {
          add_sums<1>(w, pair, second, total);
          break;
        }
        sum_sub<0>(
            w, x, pair + 1, start, first, [&](auto i) __attribute__((always_inline)) {
              add_sum<1, i.value>(w, pair, second, scale, total);
            });
      }
    }
  }

  template <int Panels, int Tokens>
  static YOKE_INLINE void add_piece(const LinearArgs& a, const Tile<Panels, Tokens>& tile,
                                    VF (&acc)[Panels][Tokens]) {
    const int blocks = tile.count / 256;
    Blocks256<Tokens> act;
    if (blocks == kPiece / 256) {  // a constant count: no tails
      gather<Tokens>(a, tile.x, tile.k, kPiece / 256, act);
    } else {
      gather<Tokens>(a, tile.x, tile.k, blocks, act);
    }
    const uint8_t* w[Panels];
    const uint8_t* x[Tokens];
    fetch_next_side<Super256, Panels, Tokens>(tile, a.x_scale_offset + tile.k / 64, kPiece / 64);
    const int64_t sums_offset = kSubs == 16 ? a.x_sums_offset : a.x_sums32_offset;
    fetch_next_side<Super256, Panels, Tokens>(tile, sums_offset + tile.k / 256 * kSubs * 2,
                                              kPiece / 256 * kSubs * 2);
    for (int r = 0; r < Panels; ++r) w[r] = tile.w[r];
    for (int t = 0; t < Tokens; ++t) x[t] = tile.x[t] + tile.k;
    const int32_t* start = &act.start[0][0];
    for (int block = 0; block < blocks; ++block) {
      VI total[Panels][Tokens];
      unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
        unrolled<Panels>([&](auto r)
                             __attribute__((always_inline)) { total[r.value][t.value] = zero_int(); });
      });
      if constexpr (!fetches<Super256, Panels, Tokens>()) {
        read_in_order<Panels>(w, Codes::kCodesAt / kVectorBytes);
      }
      add_pairs<Panels, Tokens>(tile, w, x, start, total);
      add_term<Panels, Tokens>(w, act, block, total, acc);
      for (int r = 0; r < Panels; ++r) w[r] += kUnitBytes;
    }
  }
};
