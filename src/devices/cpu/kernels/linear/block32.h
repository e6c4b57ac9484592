// Products with formats of blocks of 32 against Q8x32 activations (docs/layouts.md, docs/numerics.md).
// A unit of a panel is two blocks; a format says where its scales lie and how to get the codes of one vector.

// The codes of block B, group G as unsigned bytes; the value is code - kOffset, codes are at most kMax.
// kOnePanel: unpacking takes so many registers that with AVX-512 one panel by eight rows is faster than two
// by four. kSixRows: two panels by six rows do not need more registers than there are.
struct Q8_0 {
  static constexpr int kUnitBytes = 1088, kMax = 255, kOffset = 128;
  static constexpr bool kHasMin = false, kBrainScale = false;
  static constexpr int kFetchRows = 4;
  static constexpr bool kOnePanel = false, kSixRows = true;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return load_bytes(unit + 64 + (B * 8 + G) * kVectorBytes);
  }
};

// Four bits, the second block in the high nibbles.
template <int B>
YOKE_INLINE VB nibbles(const uint8_t* vector) {
  return bits < B == 0 ? 0 : 4, 0x0F > (load_bytes(vector));
}

struct Q4_0 {
  static constexpr int kUnitBytes = 576, kMax = 15, kOffset = 8;
  static constexpr bool kHasMin = false, kBrainScale = false;
  static constexpr int kFetchRows = 4;
  static constexpr bool kOnePanel = false, kSixRows = true;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return nibbles<B>(unit + 64 + G * kVectorBytes);
  }
};

struct Q4_1 {
  static constexpr int kUnitBytes = 640, kMax = 15, kOffset = 0;
  static constexpr bool kHasMin = true, kBrainScale = false;
  static constexpr int kFetchRows = 4;
  static constexpr bool kOnePanel = true, kSixRows = true;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return nibbles<B>(unit + 128 + G * kVectorBytes);
  }
};

// Four bits and the fifth from the block's vector of high bits, of which two lie before the others.
template <int B, int G>
YOKE_INLINE VB five_bits(const uint8_t* vectors) {
  const VB high = load_bytes(vectors + B * kVectorBytes);
  return join(nibbles<B>(vectors + (2 + G) * kVectorBytes), bits<G - 4, 0x10>(high));
}

struct Q5_0 {
  static constexpr int kUnitBytes = 704, kMax = 31, kOffset = 16;
  static constexpr bool kHasMin = false, kBrainScale = false;
  static constexpr int kFetchRows = 2;
  static constexpr bool kOnePanel = true, kSixRows = true;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return five_bits<B, G>(unit + 64);
  }
};

struct Q5_1 {
  static constexpr int kUnitBytes = 768, kMax = 31, kOffset = 0;
  static constexpr bool kHasMin = true, kBrainScale = false;
  static constexpr int kFetchRows = 2;
  static constexpr bool kOnePanel = true, kSixRows = false;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return five_bits<B, G>(unit + 128);
  }
};

// The table of the IQ4 formats (GGUF: kvalues_iq4nl), plus 128.
alignas(64) constexpr uint8_t kIq4Codes[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                               129, 141, 153, 166, 181, 197, 217, 241};
// Twice the E2M1 values, plus 12.
alignas(64) constexpr uint8_t kE2m1Codes[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};

struct IQ4_NL {
  static constexpr int kUnitBytes = 576, kMax = 255, kOffset = 128;
  static constexpr bool kHasMin = false, kBrainScale = false;
  static constexpr int kFetchRows = 4;
  static constexpr bool kOnePanel = false, kSixRows = true;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return lookup(kIq4Codes, nibbles<B>(unit + 64 + G * kVectorBytes));
  }
};

struct MXFP4 {
  static constexpr int kUnitBytes = 576, kMax = 24, kOffset = 12;
  static constexpr bool kHasMin = false, kBrainScale = true;
  static constexpr int kFetchRows = 4;
  static constexpr bool kOnePanel = false, kSixRows = true;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return lookup(kE2m1Codes, nibbles<B>(unit + 64 + G * kVectorBytes));
  }
};

// What a tile needs of its activations beside the bytes, gathered so that the inner loop has one base.
template <int Tokens>
struct Blocks32 {
  float scale[Tokens][kPiece / 32];
  int32_t start[Tokens][kPiece / 32];  // the zero point's share: -offset * sum
  float sum[Tokens][kPiece / 32];      // for formats with a minimum
};

#if defined(YOKE_ROW_PAIRS)
// sum_groups of one panel by an even number of rows, two rows and two groups at a time.
template <int Groups, class Sum, int Tokens, class CodesOf>
YOKE_INLINE void sum_row_pairs(const uint8_t* const (&x)[Tokens], int offset, Sum (&sums)[1][Tokens],
                               CodesOf&& codes) {
  PairSum pairs[Tokens / 2];
  for (int p = 0; p < Tokens / 2; ++p) pairs[p].start(sums[0][2 * p].sum, sums[0][2 * p + 1].sum);
  unrolled<Groups / 2>([&](auto g) __attribute__((always_inline)) {
    const RowPairs w =
        row_pairs(codes(Index<0>{}, Index<2 * g.value>{}), codes(Index<0>{}, Index<2 * g.value + 1>{}));
    const int at = offset + g.value * 8;
    for (int p = 0; p < Tokens / 2; ++p) pairs[p].add(w, x[2 * p] + at, x[2 * p + 1] + at);
  });
  for (int p = 0; p < Tokens / 2; ++p) {
    sums[0][2 * p].sum = pairs[p].first();
    sums[0][2 * p + 1].sum = pairs[p].second();
  }
}
#endif

// The exact sums of so many groups. codes(r, g): panel r's vector of group g; offset: of the first group's
// bytes in the rows. between(i), i = 0 .. Panels * Tokens - 1, is spread over the groups.
template <int Groups, class Sum, int Panels, int Tokens, class CodesOf, class Between>
YOKE_INLINE void sum_groups(const uint8_t* const (&x)[Tokens], int offset, Sum (&sums)[Panels][Tokens],
                            CodesOf&& codes, Between&& between) {
#if defined(YOKE_ROW_PAIRS)
  if constexpr (Tokens % 2 == 0) return sum_row_pairs<Groups>(x, offset, sums, codes);
#endif
  unrolled<Groups>([&](auto g) __attribute__((always_inline)) {
    typename Sum::Codes w[Panels];
    unrolled<Panels>([&](auto r) __attribute__((always_inline)) { w[r.value] = Sum::prepare(codes(r, g)); });
    unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
      const VX four = splat_bytes(x[t.value] + offset + g.value * 4);
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
        sums[r.value][t.value].template add<g.value>(w[r.value], four);
      });
    });
    constexpr int kFirst = Panels * Tokens * g.value / Groups;
    constexpr int kEnd = Panels * Tokens * (g.value + 1) / Groups;
    unrolled<kEnd - kFirst>([&](auto i)
                                __attribute__((always_inline)) { between(Index<kFirst + i.value>{}); });
  });
}

template <class Codes>
struct Block32 {
  static constexpr int kUnit = 64, kUnitBytes = Codes::kUnitBytes, kNarrowRows = kQuantNarrowRows;
  static constexpr int kFetchRows = Codes::kFetchRows;
  static constexpr int kMiddleRows = Codes::kSixRows ? kQuantMiddleRows : 0;
  using WideTiles = BlockWideTiles<Block32, Codes::kOnePanel>;
  using NarrowTiles = QuantNarrowTiles<Block32>;

  template <int Tokens>
  static YOKE_INLINE void gather(const LinearArgs& a, const uint8_t* const (&x)[Tokens], int64_t k,
                                 int blocks, Blocks32<Tokens>& out) {
    for (int t = 0; t < Tokens; ++t) {
      const auto* scales = reinterpret_cast<const float*>(x[t] + a.x_scale_offset) + k / 32;
      const auto* sums = reinterpret_cast<const int32_t*>(x[t] + a.x_sums_offset) + k / 32;
      for (int b = 0; b < blocks; ++b) out.scale[t][b] = scales[b];
      if (Codes::kOffset != 0) {
        for (int b = 0; b < blocks; ++b) out.start[t][b] = sums[b] * -Codes::kOffset;
      }
      if (Codes::kHasMin) {
        for (int b = 0; b < blocks; ++b) out.sum[t][b] = static_cast<float>(sums[b]);
      }
    }
  }

  template <int Panels, int Tokens>
  using Sums = DotSum<Codes::kMax, Codes::kOffset>[Panels][Tokens];

  // The exact integer sums of one block of 32.
  template <int B, int Panels, int Tokens, class Between>
  static YOKE_INLINE void sum_block(const uint8_t* const (&w)[Panels], const uint8_t* const (&x)[Tokens],
                                    const Blocks32<Tokens>& act, int block, Sums<Panels, Tokens>& sums,
                                    Between&& between) {
    unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
      const VI start = Codes::kOffset == 0 ? zero_int() : splat(&act.start[t.value][block]);
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) { sums[r.value][t.value].start(start); });
    });
    const auto codes = [&](auto r, auto g) __attribute__((always_inline)) {
      return Codes::template codes<B, g.value>(w[r.value]);
    };
    sum_groups<8>(x, B * 32, sums, codes, between);
  }

  // Term I of a block, panel by panel, in the recipe's order. The panel's scales stay in d and m.
  template <int B, int I, int Panels, int Tokens>
  static YOKE_INLINE void add_term(const uint8_t* const (&w)[Panels], const Blocks32<Tokens>& act, int block,
                                   Sums<Panels, Tokens>& sums, VF& d, VF& m, VF (&acc)[Panels][Tokens]) {
    constexpr int r = I / Tokens, t = I % Tokens;
    if constexpr (t == 0) {
      const uint8_t* const scales = w[r] + B * 32;
      d = Codes::kBrainScale ? load_brain(scales) : load_half(scales);
      if constexpr (Codes::kHasMin) m = load_half(scales + 64);
    }
    VF term = mul(to_float(sums[r][t].total()), d);
    if constexpr (Codes::kHasMin) term = add(term, mul(splat(&act.sum[t][block]), m));
    acc[r][t] = add(acc[r][t], mul(term, splat(&act.scale[t][block])));
  }
  template <int B, int Panels, int Tokens>
  static YOKE_INLINE void add_terms(const uint8_t* const (&w)[Panels], const Blocks32<Tokens>& act, int block,
                                    Sums<Panels, Tokens>& sums, VF (&acc)[Panels][Tokens]) {
    VF d, m;
    unrolled<Panels * Tokens>([&](auto i) __attribute__((always_inline)) {
      add_term<B, i.value>(w, act, block, sums, d, m, acc);
    });
  }

  template <int B, int Panels, int Tokens>
  static YOKE_INLINE void add_block(const uint8_t* const (&w)[Panels], const uint8_t* const (&x)[Tokens],
                                    const Blocks32<Tokens>& act, int block, VF (&acc)[Panels][Tokens]) {
    Sums<Panels, Tokens> sums;
    sum_block<B>(w, x, act, block, sums, [](auto) {});
    add_terms<B>(w, act, block, sums, acc);
  }

  // The same for all blocks of a piece, a block's terms made between the next one's dot products: in line
  // behind its own they would wait for them and keep the next from starting.
  template <int Panels, int Tokens>
  static YOKE_INLINE void add_blocks(const Tile<Panels, Tokens>& tile, const uint8_t* (&w)[Panels],
                                     const uint8_t* (&x)[Tokens], const Blocks32<Tokens>& act, int blocks,
                                     VF (&acc)[Panels][Tokens]) {
    Sums<Panels, Tokens> even, odd;
    VF d, m;
    sum_block<0>(w, x, act, 0, even, [](auto) {});
    for (int block = 0;; block += 2) {
      fetch_next<Block32, Panels, Tokens>(tile, w, x, 0, kUnitBytes / kVectorBytes, true);
      if (block + 1 == blocks) return add_terms<0>(w, act, block, even, acc);
      sum_block<1>(
          w, x, act, block + 1, odd, [&](auto i) __attribute__((always_inline)) {
            add_term<0, i.value>(w, act, block, even, d, m, acc);
          });
      const uint8_t* before[Panels];
      for (int r = 0; r < Panels; ++r) {
        before[r] = w[r];
        w[r] += kUnitBytes;
      }
      for (int t = 0; t < Tokens; ++t) x[t] += kUnit;
      if (block + 2 == blocks) return add_terms<1>(before, act, block + 1, odd, acc);
      sum_block<0>(
          w, x, act, block + 2, even, [&](auto i) __attribute__((always_inline)) {
            add_term<1, i.value>(before, act, block + 1, odd, d, m, acc);
          });
    }
  }

  template <int Panels, int Tokens>
  static YOKE_INLINE void add_piece(const LinearArgs& a, const Tile<Panels, Tokens>& tile,
                                    VF (&acc)[Panels][Tokens]) {
    const int blocks = tile.count / 32;
    Blocks32<Tokens> act;
    if (blocks == kPiece / 32) {  // a constant count: no tails
      gather<Tokens>(a, tile.x, tile.k, kPiece / 32, act);
    } else {
      gather<Tokens>(a, tile.x, tile.k, blocks, act);
    }
    const uint8_t* w[Panels];
    const uint8_t* x[Tokens];
    fetch_next_side<Block32, Panels, Tokens>(tile, a.x_scale_offset + tile.k / 8, kPiece / 8);
    fetch_next_side<Block32, Panels, Tokens>(tile, a.x_sums_offset + tile.k / 8, kPiece / 8);
    for (int r = 0; r < Panels; ++r) w[r] = tile.w[r];
    for (int t = 0; t < Tokens; ++t) x[t] = tile.x[t] + tile.k;
    if constexpr (kTermsBetween && Panels * Tokens == 8) {
      return add_blocks<Panels, Tokens>(tile, w, x, act, blocks, acc);
    }
    for (int block = 0; block < blocks; block += 2) {
      if constexpr (Codes::kHasMin && !fetches<Block32, Panels, Tokens>()) read_in_order<Panels>(w, 2);
      fetch_next<Block32, Panels, Tokens>(tile, w, x, 0, kUnitBytes / kVectorBytes, true);
      add_block<0, Panels, Tokens>(w, x, act, block, acc);
      if (block + 1 == blocks) break;  // an odd number of blocks
      add_block<1, Panels, Tokens>(w, x, act, block + 1, acc);
      for (int r = 0; r < Panels; ++r) w[r] += kUnitBytes;
      for (int t = 0; t < Tokens; ++t) x[t] += kUnit;
    }
  }
};
