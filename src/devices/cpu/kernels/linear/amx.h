// Products of many rows with AMX int8: tiles give the exact integer sums of 16 rows of activations with a
// panel, the float terms follow in the recipe's order (docs/numerics.md). A panel's piece is unpacked once
// for all rows, to signed bytes: of blocks of 32 the values, of super-blocks the values times their
// sub-scales, so that tiles sum a whole super-block at once. Fewer rows take the vector instructions' path.

struct AmxScratch {
  // The piece whose values lie below; null: none.
  const uint8_t* unpacked;
  // [k / 4][panel row][4]; of super-blocks the low seven bits, and what is above them.
  alignas(64) uint8_t low[kPiece / 4][kVectorBytes];
  alignas(64) uint8_t high[kPiece / 4][kVectorBytes];
  // A ring of tiles' sums.
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

YOKE_INLINE VI load_sums(const int32_t* from) {
  return {_mm512_load_si512(from)};
}

#if defined(YOKE_FAMILY_BLOCK32)

template <class Codes>
struct AmxBlock32 {
  using Narrow = Block32<Codes>;
  static constexpr int kUnit = 64, kUnitBytes = Codes::kUnitBytes, kNarrowRows = kQuantNarrowRows;
  static constexpr int kFetchRows = Codes::kFetchRows;
  using WideTiles = Tiles<AmxBlock32, 1, 1, 2, 4, kTileRows>;
  using NarrowTiles = QuantNarrowTiles<AmxBlock32>;
  static constexpr int kLeastRows = 64;  // fewer do not make up for the unpacking
  static constexpr int kAhead = 4;       // blocks whose sums the tiles make before their terms are wanted

  struct Acts {
    float scale[kTileRows][kPiece / 32];
    float sum[kTileRows][kPiece / 32];
  };

  template <int B>
  static YOKE_INLINE void unpack_block(const uint8_t* unit, int block, AmxScratch& scratch) {
    unrolled<8>([&](auto g) __attribute__((always_inline)) {
      const VB codes = Codes::template codes<B, g.value>(unit);
      // Wraps where codes are unsigned bytes.
      const __m512i values = _mm512_sub_epi8(codes.v, _mm512_set1_epi8(static_cast<char>(Codes::kOffset)));
      _mm512_store_si512(scratch.low[block * 8 + g.value], values);
    });
  }
  static YOKE_INLINE void unpack(const uint8_t* w, int blocks, AmxScratch& scratch) {
    for (int block = 0; block < blocks; block += 2, w += kUnitBytes) {
      unpack_block<0>(w, block, scratch);
      if (block + 1 < blocks) unpack_block<1>(w, block + 1, scratch);
    }
  }

  static YOKE_INLINE void gather(const LinearArgs& a, const Tile<1, kTileRows>& tile, int blocks, Acts& out) {
    for (int t = 0; t < kTileRows; ++t) {
      const auto* scales = reinterpret_cast<const float*>(tile.x[t] + a.x_scale_offset) + tile.k / 32;
      const auto* sums = reinterpret_cast<const int32_t*>(tile.x[t] + a.x_sums_offset) + tile.k / 32;
      for (int b = 0; b < blocks; ++b) out.scale[t][b] = scales[b];
      if (Codes::kHasMin) {
        for (int b = 0; b < blocks; ++b) out.sum[t][b] = static_cast<float>(sums[b]);
      }
    }
  }

  static YOKE_INLINE void make_sums(const AmxRows& x, int block, AmxScratch& scratch) {
    const uint8_t* const rows = x.first + block * 32;
    const uint8_t* const values = scratch.low[block * 8];
    if (block % 2 == 0) {
      tile_sums<0>(rows, x.stride, values, scratch.sums[block % 8][0]);
    } else {
      tile_sums<1>(rows, x.stride, values, scratch.sums[block % 8][0]);
    }
  }

  static YOKE_INLINE void add_terms(const uint8_t* scales, const Acts& act, int block,
                                    const int32_t (&sums)[kTileRows][kLanes], VF (&acc)[1][kTileRows]) {
    const VF d = Codes::kBrainScale ? load_brain(scales) : load_half(scales);
    VF m;
    if constexpr (Codes::kHasMin) m = load_half(scales + 64);
    unrolled<kTileRows>([&](auto t) __attribute__((always_inline)) {
      VF term = mul(to_float(load_sums(sums[t.value])), d);
      if constexpr (Codes::kHasMin) term = add(term, mul(splat(&act.sum[t.value][block]), m));
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
      const AmxRows x = amx_rows(a, tile, scratch);
      for (int block = 0; block < kAhead && block < blocks; ++block) make_sums(x, block, scratch);
      Acts act;
      gather(a, tile, blocks, act);
      // Tiles and terms of different blocks are at work together.
      for (int block = 0; block < blocks; ++block) {
        if (block + kAhead < blocks) make_sums(x, block + kAhead, scratch);
        add_terms(tile.w[0] + block / 2 * kUnitBytes + block % 2 * 32, act, block, scratch.sums[block % 8],
                  acc);
      }
    }
  }
};

#else

template <class Codes>
struct AmxSuper256 {
  using Narrow = Super256<Codes>;
  static constexpr int kUnit = 256, kUnitBytes = Codes::kUnitBytes, kNarrowRows = kQuantNarrowRows;
  static constexpr int kFetchRows = Narrow::kFetchRows;
  static constexpr int kLeastRows = 32;  // as above
  static constexpr int kSubs = Narrow::kSubs;
  using WideTiles = Tiles<AmxSuper256, 1, 1, 2, 4, kTileRows>;
  using NarrowTiles = QuantNarrowTiles<AmxSuper256>;
  // Values times sub-scales are value = 128 * high + low; most formats want both.
  static constexpr int kLargest =
      (Codes::kMax - Codes::kOffset > Codes::kOffset ? Codes::kMax - Codes::kOffset : Codes::kOffset) *
      Codes::kMostScale;
  static constexpr bool kHigh = kLargest > 127;
  static_assert(kLargest < 128 * 127);

  struct Acts {
    float scale[kTileRows][kPiece / 256];
    int32_t pairs[kTileRows][kPiece / 256 * (kSubs / 2)];
  };

  // Four values of each row of the panel, times the row's sub-scale in both halves of its lane.
  static YOKE_INLINE void unpack_vector(VB codes, __m512i scales, int at, AmxScratch& scratch) {
    const __m512i bytes = _mm512_set1_epi16(0x00FF), seven = _mm512_set1_epi16(0x007F);
    const __m512i offset = _mm512_set1_epi16(Codes::kOffset);
    const __m512i even =
        _mm512_mullo_epi16(_mm512_sub_epi16(_mm512_and_si512(codes.v, bytes), offset), scales);
    const __m512i odd = _mm512_mullo_epi16(_mm512_sub_epi16(_mm512_srli_epi16(codes.v, 8), offset), scales);
    const auto joined = [&](__m512i first, __m512i second) __attribute__((always_inline)) {
      return _mm512_or_si512(_mm512_and_si512(first, bytes), _mm512_slli_epi16(second, 8));
    };
    if constexpr (kHigh) {
      _mm512_store_si512(scratch.low[at],
                         joined(_mm512_and_si512(even, seven), _mm512_and_si512(odd, seven)));
      _mm512_store_si512(scratch.high[at], joined(_mm512_srai_epi16(even, 7), _mm512_srai_epi16(odd, 7)));
    } else {
      _mm512_store_si512(scratch.low[at], joined(even, odd));
    }
  }
  template <int S>
  static YOKE_INLINE void unpack_sub(const uint8_t* unit, int step, int at, AmxScratch& scratch) {
    __m512i twice;  // the sub-scale in both halves of a lane
    if constexpr (HasScalePairs<Codes>) {
      const __m512i pairs = Codes::scale_pairs(unit, step).v;
      twice = S == 0 ? _mm512_mask_blend_epi16(0xAAAAAAAA, pairs, _mm512_slli_epi32(pairs, 16))
                     : _mm512_mask_blend_epi16(0xAAAAAAAA, _mm512_srli_epi32(pairs, 16), pairs);
    } else {
      const __m512i scale = Codes::template scale<S>(unit, step).v;
      twice =
          _mm512_or_si512(_mm512_and_si512(scale, _mm512_set1_epi32(0xFFFF)), _mm512_slli_epi32(scale, 16));
    }
    unrolled<Codes::kSubGroups>([&](auto g) __attribute__((always_inline)) {
      unpack_vector(Codes::template codes<S, g.value>(unit, step), twice, at + g.value, scratch);
    });
  }
  static YOKE_INLINE void unpack(const uint8_t* w, int blocks, AmxScratch& scratch) {
    for (int block = 0; block < blocks; ++block, w += kUnitBytes) {
      for (int step = 0; step < Codes::kSteps; ++step) {
        const int at = block * 64 + step * Codes::kStepSubs * Codes::kSubGroups;
        unpack_sub<0>(w, step, at, scratch);
        if constexpr (Codes::kStepSubs == 2) unpack_sub<1>(w, step, at + Codes::kSubGroups, scratch);
      }
    }
  }

  static YOKE_INLINE void gather(const LinearArgs& a, const Tile<1, kTileRows>& tile, int blocks, Acts& out) {
    const int64_t sums_offset = kSubs == 16 ? a.x_sums_offset : a.x_sums32_offset;
    const int64_t first = tile.k / 256;
    for (int t = 0; t < kTileRows; ++t) {
      const auto* scales = reinterpret_cast<const float*>(tile.x[t] + a.x_scale_offset) + first;
      for (int b = 0; b < blocks; ++b) out.scale[t][b] = scales[b];
      if constexpr (Codes::kHasMin) {
        const auto* pairs = reinterpret_cast<const int32_t*>(tile.x[t] + sums_offset) + first * (kSubs / 2);
        for (int i = 0; i < blocks * (kSubs / 2); ++i) out.pairs[t][i] = pairs[i];
      }
    }
  }

  static YOKE_INLINE void make_sums(const AmxRows& x, int block, AmxScratch& scratch) {
    const uint8_t* const rows = x.first + block * 256;
    const uint8_t* const low = scratch.low[block * 64];
    const uint8_t* const high = scratch.high[block * 64];
    if (block % 2 == 0) {
      tile_totals<0, kHigh>(rows, x.stride, low, high, scratch.sums[0][0], scratch.sums[1][0]);
    } else {
      tile_totals<1, kHigh>(rows, x.stride, low, high, scratch.sums[2][0], scratch.sums[3][0]);
    }
  }

  static YOKE_INLINE void add_terms(const uint8_t* w, const Acts& act, int block, const AmxScratch& scratch,
                                    VF (&acc)[1][kTileRows]) {
    const auto& low = scratch.sums[block % 2 * 2];
    const auto& high = scratch.sums[block % 2 * 2 + 1];
    const VF d = load_half(w);
    VF dmin;
    VI min_pairs[kSubs / 2];
    if constexpr (Codes::kHasMin) {
      dmin = load_half(w + 32);
      unrolled<kSubs / 2>([&](auto p) __attribute__((always_inline)) {
        min_pairs[p.value] = Codes::min_pairs(w, p.value);
      });
    }
    unrolled<kTileRows>([&](auto t) __attribute__((always_inline)) {
      VI total = load_sums(low[t.value]);
      if constexpr (kHigh) total = add(total, shift_up<7>(load_sums(high[t.value])));
      VF term = mul(to_float(total), d);
      if constexpr (Codes::kHasMin) {
        VI mins = zero_int();
        unrolled<kSubs / 2>([&](auto p) __attribute__((always_inline)) {
          mins = dot_pairs(mins, min_pairs[p.value], &act.pairs[t.value][block * (kSubs / 2) + p.value]);
        });
        term = sub(term, mul(to_float(mins), dmin));
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
      const int blocks = tile.count / 256;
      AmxScratch& scratch = amx_scratch(a);
      if (scratch.unpacked != tile.w[0]) unpack(tile.w[0], blocks, scratch);
      scratch.unpacked = tile.w[0];
      const AmxRows x = amx_rows(a, tile, scratch);
      make_sums(x, 0, scratch);
      Acts act;
      gather(a, tile, blocks, act);
      for (int block = 0; block < blocks; ++block) {
        if (block + 1 < blocks) make_sums(x, block + 1, scratch);
        add_terms(tile.w[0] + block * kUnitBytes, act, block, scratch, acc);
      }
    }
  }
};

#endif

template <class Format>
void run_amx(const LinearArgs& a) {
  if (a.rows < Format::kLeastRows) return run_linear<typename Format::Narrow>(a);
  amx_scratch(a).unpacked = nullptr;
  configure_tiles();
  run_linear<Format>(a);
  release_tiles();
}
