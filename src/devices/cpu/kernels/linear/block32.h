// Products with formats of blocks of 32 against Q8x32 activations (docs/layouts.md, docs/numerics.md).
// A unit of a panel is two blocks; a format says where its scales lie and how to get the codes of one vector.

// The codes of block B, group G as unsigned bytes; the value is code - kOffset, codes are at most kMax.
// kUnpacking: what it takes of a tile's registers, as measured (0: 2 x 6, 1: 2 x 4, 2: 1 x 8 with AVX-512).
struct Q8_0 {
  static constexpr int kUnitBytes = 1088, kMax = 255, kOffset = 128;
  static constexpr bool kHasMin = false, kBrainScale = false;
  static constexpr int kFetchRows = 4;
  static constexpr int kUnpacking = 0;
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
  static constexpr int kUnpacking = 1;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return nibbles<B>(unit + 64 + G * kVectorBytes);
  }
};

struct Q4_1 {
  static constexpr int kUnitBytes = 640, kMax = 15, kOffset = 0;
  static constexpr bool kHasMin = true, kBrainScale = false;
  static constexpr int kFetchRows = 2;
  static constexpr int kUnpacking = 0;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return nibbles<B>(unit + 128 + G * kVectorBytes);
  }
};

// Four bits and the fifth from the block's vector of high bits.
template <int B, int G>
YOKE_INLINE VB five_bits(const uint8_t* vectors) {
  return join(nibbles<B>(vectors + G * kVectorBytes), bits<G - 4, 0x10>(load_bytes(vectors + (8 + B) * 64)));
}

struct Q5_0 {
  static constexpr int kUnitBytes = 704, kMax = 31, kOffset = 16;
  static constexpr bool kHasMin = false, kBrainScale = false;
  static constexpr int kFetchRows = 2;
  static constexpr int kUnpacking = 0;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return five_bits<B, G>(unit + 64);
  }
};

struct Q5_1 {
  static constexpr int kUnitBytes = 768, kMax = 31, kOffset = 0;
  static constexpr bool kHasMin = true, kBrainScale = false;
  static constexpr int kFetchRows = 2;
  static constexpr int kUnpacking = 2;
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
  static constexpr int kUnpacking = 1;
  template <int B, int G>
  static YOKE_INLINE VB codes(const uint8_t* unit) {
    return lookup(kIq4Codes, nibbles<B>(unit + 64 + G * kVectorBytes));
  }
};

struct MXFP4 {
  static constexpr int kUnitBytes = 576, kMax = 24, kOffset = 12;
  static constexpr bool kHasMin = false, kBrainScale = true;
  static constexpr int kFetchRows = 4;
  static constexpr int kUnpacking = 1;
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

template <class Codes>
struct Block32 {
  static constexpr int kUnit = 64, kUnitBytes = Codes::kUnitBytes, kNarrowRows = kQuantNarrowRows;
  static constexpr int kFetchRows = Codes::kFetchRows;
  using WideTiles = BlockWideTiles<Block32, Codes::kUnpacking>;
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

  // One block of 32: exact integer sums, then its terms in the recipe's order.
  template <int B, int Panels, int Tokens>
  static YOKE_INLINE void add_block(const uint8_t* const (&w)[Panels], const uint8_t* const (&x)[Tokens],
                                    const Blocks32<Tokens>& act, int block, VF (&acc)[Panels][Tokens]) {
    using Sum = DotSum<Codes::kMax, Codes::kOffset>;
    Sum sums[Panels][Tokens];
    unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
      const VI start = Codes::kOffset == 0 ? zero_int() : splat(&act.start[t.value][block]);
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) { sums[r.value][t.value].start(start); });
    });
    unrolled<8>([&](auto g) __attribute__((always_inline)) {
      typename Sum::Codes codes[Panels];
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
        codes[r.value] = Sum::prepare(Codes::template codes<B, g.value>(w[r.value]));
      });
      unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
        const VX four = splat_bytes(x[t.value] + B * 32 + g.value * 4);
        unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
          sums[r.value][t.value].template add<g.value>(codes[r.value], four);
        });
      });
    });
    unrolled<Panels>([&](auto r) __attribute__((always_inline)) {
      const uint8_t* const scales = w[r.value] + B * 32;
      const VF d = Codes::kBrainScale ? load_brain(scales) : load_half(scales);
      unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
        VF term = mul(to_float(sums[r.value][t.value].total()), d);
        if constexpr (Codes::kHasMin) {
          term = add(term, mul(splat(&act.sum[t.value][block]), load_half(scales + 64)));
        }
        acc[r.value][t.value] = add(acc[r.value][t.value], mul(term, splat(&act.scale[t.value][block])));
      });
    });
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
    for (int block = 0; block < blocks; block += 2) {
      fetch_next<Block32, Panels, Tokens>(tile, w, x, 0, kUnitBytes / kVectorBytes, true);
      add_block<0, Panels, Tokens>(w, x, act, block, acc);
      if (block + 1 == blocks) break;  // an odd number of blocks
      add_block<1, Panels, Tokens>(w, x, act, block + 1, acc);
      for (int r = 0; r < Panels; ++r) w[r] += kUnitBytes;
      for (int t = 0; t < Tokens; ++t) x[t] += kUnit;
    }
  }
};
