// The tile instructions of AMX int8 in steps: exact sums for 16 rows of activations and the 16 rows of a
// panel. With YOKE_AMX_EMULATED plain code stands in for them, so that machines without AMX can test the
// rest. Included into an anonymous namespace.

constexpr int kTileRows = 16;  // of activations

// What ldtilecfg reads (Intel's Architecture Instruction Set Extensions, palette 1).
struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(TileConfig) == 64);

// Sums are [activation row][panel row], activations [row][k], values [k / 4][panel row][4].
#if defined(YOKE_FAMILY_BLOCK32)
constexpr int kTileK = 32;
// Tiles 0 and 1 are sums, 2 and 3 activations, 4 and 5 values.
constexpr TileConfig kTileConfig = {1, 0, {}, {64, 64, 32, 32, 64, 64}, {16, 16, 16, 16, 8, 8}};
#else
constexpr int kTileK = 64;
// Tiles 0 to 3 are sums, 4 and 5 activations, 6 and 7 values.
constexpr TileConfig kTileConfig = {
    1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
#endif

#if defined(YOKE_AMX_EMULATED)

YOKE_INLINE void configure_tiles() {}
YOKE_INLINE void release_tiles() {}

// sums += x * values over one tile of k.
YOKE_INLINE void add_tile(const uint8_t* x, int64_t stride, const uint8_t* values, int32_t* sums) {
  for (int m = 0; m < kTileRows; ++m) {
    for (int n = 0; n < kLanes; ++n) {
      for (int k = 0; k < kTileK; ++k) {
        sums[m * 16 + n] += static_cast<int8_t>(x[m * stride + k]) *
                            static_cast<int8_t>(values[k / 4 * kVectorBytes + n * 4 + k % 4]);
      }
    }
  }
}

template <int Half>
YOKE_INLINE void tile_sums(const uint8_t* x, int64_t stride, const uint8_t* values, int32_t* sums) {
  __builtin_memset(sums, 0, kTileRows * kVectorBytes);
  add_tile(x, stride, values, sums);
}

template <int Half, bool kHigh>
YOKE_INLINE void tile_totals(const uint8_t* x, int64_t stride, const uint8_t* low, const uint8_t* high,
                             int32_t* low_sums, int32_t* high_sums) {
  __builtin_memset(low_sums, 0, kTileRows * kVectorBytes);
  __builtin_memset(high_sums, 0, kTileRows * kVectorBytes);
  for (int k = 0; k < 256; k += kTileK) {
    add_tile(x + k, stride, low + k / 4 * kVectorBytes, low_sums);
    if (kHigh) add_tile(x + k, stride, high + k / 4 * kVectorBytes, high_sums);
  }
}

#else

YOKE_INLINE void configure_tiles() {
  _tile_loadconfig(&kTileConfig);
}
YOKE_INLINE void release_tiles() {
  _tile_release();
}

// GCC's intrinsics take tiles' numbers as literals alone, and do not say that they read memory.
YOKE_INLINE void order_memory() {
  asm volatile("" ::: "memory");
}

// The sums of a block of 32. The two halves use tiles of their own, so that they overlap.
template <int Half>
YOKE_INLINE void tile_sums(const uint8_t* x, int64_t stride, const uint8_t* values, int32_t* sums) {
  order_memory();
  if constexpr (Half == 0) {
    _tile_zero(0);
    _tile_loadd(2, x, stride);
    _tile_loadd(4, values, 64);
    _tile_dpbssd(0, 2, 4);
    _tile_stored(0, sums, 64);
  } else {
    _tile_zero(1);
    _tile_loadd(3, x, stride);
    _tile_loadd(5, values, 64);
    _tile_dpbssd(1, 3, 5);
    _tile_stored(1, sums, 64);
  }
  order_memory();
}

// The sums of a super-block of 256 with two sets of values, the second where kHigh. Halves as above.
template <int Half, bool kHigh>
YOKE_INLINE void tile_totals(const uint8_t* x, int64_t stride, const uint8_t* low, const uint8_t* high,
                             int32_t* low_sums, int32_t* high_sums) {
  constexpr int kTileBytes = kTileK / 4 * kVectorBytes;
  order_memory();
  if constexpr (Half == 0) {
    _tile_zero(0);
    if constexpr (kHigh) _tile_zero(1);
    for (int step = 0; step < 4; ++step) {
      _tile_loadd(4, x + step * kTileK, stride);
      _tile_loadd(6, low + step * kTileBytes, 64);
      _tile_dpbssd(0, 4, 6);
      if constexpr (kHigh) {
        _tile_loadd(7, high + step * kTileBytes, 64);
        _tile_dpbssd(1, 4, 7);
      }
    }
    _tile_stored(0, low_sums, 64);
    if constexpr (kHigh) _tile_stored(1, high_sums, 64);
  } else {
    _tile_zero(2);
    if constexpr (kHigh) _tile_zero(3);
    for (int step = 0; step < 4; ++step) {
      _tile_loadd(5, x + step * kTileK, stride);
      _tile_loadd(6, low + step * kTileBytes, 64);
      _tile_dpbssd(2, 5, 6);
      if constexpr (kHigh) {
        _tile_loadd(7, high + step * kTileBytes, 64);
        _tile_dpbssd(3, 5, 7);
      }
    }
    _tile_stored(2, low_sums, 64);
    if constexpr (kHigh) _tile_stored(3, high_sums, 64);
  }
  order_memory();
}

#endif
