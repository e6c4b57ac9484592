// Products of many rows with AMX int8, for formats whose integer sums run over 32 elements: a panel's piece
// is unpacked to bytes once for all rows, tiles give the sums of 16 rows at a time, and the terms follow in
// the recipe's order (docs/numerics.md). Few rows, and tiles of fewer than 16, take the vector instructions'
// path.

struct AmxScratch {
  // The piece whose codes lie in `codes`, one a byte, as in the panel's vectors; null: none.
  const uint8_t* unpacked;
  alignas(64) uint8_t codes[kPiece / 32][kTileGroups][kVectorBytes];
  // Of eight blocks.
  alignas(64) int32_t sums[8][kTileRows][kLanes];
  // Rows that do not lie at one stride.
  alignas(64) uint8_t x[kTileRows][kPiece];
};
// It lies behind the stack of the pieces' tree, however long k is.
static_assert(int64_t{kBlockRows} * kVectorBytes * 31 + int64_t{sizeof(AmxScratch)} <= kLinearScratchBytes);

YOKE_INLINE AmxScratch& amx_scratch(const LinearArgs& a) {
  return *reinterpret_cast<AmxScratch*>(a.scratch + kLinearScratchBytes - sizeof(AmxScratch));
}

struct AmxRows {
  const uint8_t* first;  // at the piece's first element
  int64_t stride;
};

// The rows as they lie, or copied where the last one stands for those that are missing.
YOKE_INLINE AmxRows amx_rows(const LinearArgs& a, const Tile<1, kTileRows>& tile, AmxScratch& scratch) {
  if (tile.x[kTileRows - 1] == tile.x[0] + (kTileRows - 1) * a.x_row_bytes) {
    return {tile.x[0] + tile.k, a.x_row_bytes};
  }
  for (int t = 0; t < kTileRows; ++t) {
    __builtin_memcpy(scratch.x[t], tile.x[t] + tile.k, static_cast<size_t>(tile.count));
  }
  return {scratch.x[0], kPiece};
}

// The sums of `count` blocks from `first` on, at most eight.
YOKE_INLINE void amx_sums(const AmxRows& x, int first, int count, AmxScratch& scratch) {
  for (int b = 0; b < count; ++b) {
    const uint8_t* const rows = x.first + (first + b) * 32;
    const uint8_t* const codes = scratch.codes[first + b][0];
    if (b % 2 == 0) {
      tile_sums<0>(rows, x.stride, codes, scratch.sums[b][0]);
    } else {
      tile_sums<1>(rows, x.stride, codes, scratch.sums[b][0]);
    }
  }
}

YOKE_INLINE void store_codes(uint8_t* to, VB codes) {
  _mm512_store_si512(to, codes.v);
}
YOKE_INLINE VI load_sums(const int32_t* from) {
  return {_mm512_load_si512(from)};
}

template <class Codes>
struct AmxBlock32 {
  using Narrow = Block32<Codes>;
  static constexpr int kUnit = 64, kUnitBytes = Codes::kUnitBytes, kNarrowRows = kQuantNarrowRows;
  static constexpr int kFetchRows = Codes::kFetchRows;
  using WideTiles = Tiles<AmxBlock32, 1, 1, 2, 4, kTileRows>;
  using NarrowTiles = QuantNarrowTiles<AmxBlock32>;

  static YOKE_INLINE void unpack(const uint8_t* w, int blocks, AmxScratch& scratch) {
    for (int block = 0; block < blocks; block += 2, w += kUnitBytes) {
      unrolled<kTileGroups>([&](auto g) __attribute__((always_inline)) {
        store_codes(scratch.codes[block][g.value], Codes::template codes<0, g.value>(w));
        if (block + 1 < blocks) {
          store_codes(scratch.codes[block + 1][g.value], Codes::template codes<1, g.value>(w));
        }
      });
    }
  }

  static YOKE_INLINE void add_terms(const uint8_t* scales, const Blocks32<kTileRows>& act, int block,
                                    const int32_t (&sums)[kTileRows][kLanes], VF (&acc)[1][kTileRows]) {
    const VF d = Codes::kBrainScale ? load_brain(scales) : load_half(scales);
    unrolled<kTileRows>([&](auto t) __attribute__((always_inline)) {
      VI sum = load_sums(sums[t.value]);
      if constexpr (Codes::kOffset != 0) sum = add(sum, splat(&act.start[t.value][block]));
      VF term = mul(to_float(sum), d);
      if constexpr (Codes::kHasMin) {
        term = add(term, mul(splat(&act.sum[t.value][block]), load_half(scales + 64)));
      }
      acc[0][t.value] = add(acc[0][t.value], mul(term, splat(&act.scale[t.value][block])));
    });
  }

  template <int Panels, int Tokens>
  static YOKE_INLINE void add_piece(const LinearArgs& a, const Tile<Panels, Tokens>& tile,
                                    VF (&acc)[Panels][Tokens]) {
    if constexpr (Tokens < kTileRows) {
      Narrow::template add_piece<Panels, Tokens>(a, tile, acc);
    } else {
      const int blocks = tile.count / 32;
      AmxScratch& scratch = amx_scratch(a);
      if (scratch.unpacked != tile.w[0]) unpack(tile.w[0], blocks, scratch);
      scratch.unpacked = tile.w[0];
      Blocks32<kTileRows> act;
      Narrow::template gather<kTileRows>(a, tile.x, tile.k, blocks, act);
      const AmxRows x = amx_rows(a, tile, scratch);
      for (int first = 0; first < blocks; first += 8) {
        const int count = blocks - first < 8 ? blocks - first : 8;
        amx_sums(x, first, count, scratch);
        for (int b = 0; b < count; ++b) {
          const int block = first + b;
          const uint8_t* const scales = tile.w[0] + block / 2 * kUnitBytes + block % 2 * 32;
          add_terms(scales, act, block, scratch.sums[b], acc);
        }
      }
    }
  }
};

#if defined(YOKE_FAMILY_SUPER256)

template <class Codes>
struct AmxSuper256 {
  using Narrow = Super256<Codes>;
  static_assert(Narrow::kSubs == 8 && Codes::kSubGroups == kTileGroups && Codes::kStepSubs == 2);
  static constexpr int kUnit = 256, kUnitBytes = Codes::kUnitBytes, kNarrowRows = kQuantNarrowRows;
  static constexpr int kFetchRows = Narrow::kFetchRows;
  using WideTiles = Tiles<AmxSuper256, 1, 1, 2, 4, kTileRows>;
  using NarrowTiles = QuantNarrowTiles<AmxSuper256>;

  static YOKE_INLINE void unpack(const uint8_t* w, int blocks, AmxScratch& scratch) {
    for (int block = 0; block < blocks; ++block, w += kUnitBytes) {
      for (int step = 0; step < Codes::kSteps; ++step) {
        uint8_t(*const to)[kTileGroups][kVectorBytes] = &scratch.codes[block * 8 + step * 2];
        unrolled<kTileGroups>([&](auto g) __attribute__((always_inline)) {
          store_codes(to[0][g.value], Codes::template codes<0, g.value>(w, step));
          store_codes(to[1][g.value], Codes::template codes<1, g.value>(w, step));
        });
      }
    }
  }

  // A super-block's terms: sums of sub-blocks times their integer scales, then one float term a row.
  static YOKE_INLINE void add_terms(const uint8_t* w, const Blocks256<kTileRows>& act, int block,
                                    const AmxScratch& scratch, VF (&acc)[1][kTileRows]) {
    VI scales[8];
    unrolled<4>([&](auto step) __attribute__((always_inline)) {
      scales[step.value * 2] = Codes::template scale<0>(w, step.value);
      scales[step.value * 2 + 1] = Codes::template scale<1>(w, step.value);
    });
    const VF d = load_half(w);
    for (int t = 0; t < kTileRows; ++t) {
      VI total = zero_int();
      unrolled<8>([&](auto s) __attribute__((always_inline)) {
        VI sum = load_sums(scratch.sums[s.value][t]);
        if constexpr (Codes::kOffset != 0) sum = add(sum, splat(&act.start[t][block * 8 + s.value]));
        total = add(total, mul(sum, scales[s.value]));
      });
      VF term = mul(to_float(total), d);
      if constexpr (Codes::kHasMin) {
        VI mins = zero_int();
        for (int p = 0; p < 4; ++p)
          mins = dot_pairs(mins, Codes::min_pairs(w, p), act.pairs[t] + (block * 4 + p));
        term = sub(term, mul(to_float(mins), load_half(w + 32)));
      }
      acc[0][t] = add(acc[0][t], mul(term, splat(act.scales[t] + block)));
    }
  }

  template <int Panels, int Tokens>
  static YOKE_INLINE void add_piece(const LinearArgs& a, const Tile<Panels, Tokens>& tile,
                                    VF (&acc)[Panels][Tokens]) {
    if constexpr (Tokens < kTileRows) {
      Narrow::template add_piece<Panels, Tokens>(a, tile, acc);
    } else {
      const int blocks = tile.count / 256;
      AmxScratch& scratch = amx_scratch(a);
      if (scratch.unpacked != tile.w[0]) unpack(tile.w[0], blocks, scratch);
      scratch.unpacked = tile.w[0];
      Blocks256<kTileRows> act;
      Narrow::template gather<kTileRows>(a, tile.x, tile.k, blocks, act);
      const AmxRows x = amx_rows(a, tile, scratch);
      for (int block = 0; block < blocks; ++block) {
        amx_sums(x, block * 8, 8, scratch);
        add_terms(tile.w[0] + block * kUnitBytes, act, block, scratch, acc);
      }
    }
  }
};

#endif

template <class Format>
void run_amx(const LinearArgs& a) {
  if (a.rows <= Format::kNarrowRows) return run_linear<Format>(a);
  amx_scratch(a).unpacked = nullptr;
  configure_tiles();
  run_linear<Format>(a);
  release_tiles();
}
