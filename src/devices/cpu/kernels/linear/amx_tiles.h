// The tile instructions of AMX int8 as one step: the sums of a block of 32 for 16 rows of activations and the
// 16 rows of a panel. With YOKE_AMX_EMULATED plain code stands in for them, so that machines without AMX can
// test the rest. Included into an anonymous namespace.

constexpr int kTileRows = 16;   // of activations
constexpr int kTileGroups = 8;  // vectors of a panel, four k each

// What ldtilecfg reads (Intel's Architecture Instruction Set Extensions, palette 1).
struct alignas(64) TileConfig {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
// Tiles 0 and 1 are sums [activation row][panel row], 2 and 3 activations [row][k], 4 and 5 codes [k /
// 4][panel row][4].
constexpr TileConfig kTileConfig = {1, 0, {}, {64, 64, 32, 32, 64, 64}, {16, 16, 16, 16, 8, 8}};
static_assert(sizeof(TileConfig) == 64);
static_assert(kTileConfig.rows[0] == kTileConfig.rows[2] &&
              kTileConfig.row_bytes[0] == kTileConfig.row_bytes[4] &&
              kTileConfig.row_bytes[2] == 4 * kTileConfig.rows[4]);

#if defined(YOKE_AMX_EMULATED)

YOKE_INLINE void configure_tiles() {}
YOKE_INLINE void release_tiles() {}

template <int Half>
YOKE_INLINE void tile_sums(const uint8_t* x, int64_t stride, const uint8_t* codes, int32_t* sums) {
  for (int m = 0; m < kTileConfig.rows[Half]; ++m) {
    for (int n = 0; n < kTileConfig.row_bytes[Half] / 4; ++n) {
      int32_t sum = 0;
      for (int k = 0; k < kTileConfig.row_bytes[2 + Half]; ++k) {
        sum += static_cast<int8_t>(x[m * stride + k]) * codes[k / 4 * 64 + n * 4 + k % 4];
      }
      sums[m * 16 + n] = sum;
    }
  }
}

#else

YOKE_INLINE void configure_tiles() {
  _tile_loadconfig(&kTileConfig);
}
YOKE_INLINE void release_tiles() {
  _tile_release();
}

// The two halves use tiles of their own, so that they overlap. GCC's intrinsics do not say that they read
// memory.
template <int Half>
YOKE_INLINE void tile_sums(const uint8_t* x, int64_t stride, const uint8_t* codes, int32_t* sums) {
  asm volatile("" ::: "memory");
  if constexpr (Half == 0) {
    _tile_zero(0);
    _tile_loadd(2, x, stride);
    _tile_loadd(4, codes, 64);
    _tile_dpbsud(0, 2, 4);
    _tile_stored(0, sums, 64);
  } else {
    _tile_zero(1);
    _tile_loadd(3, x, stride);
    _tile_loadd(5, codes, 64);
    _tile_dpbsud(1, 3, 5);
    _tile_stored(1, sums, 64);
  }
  asm volatile("" ::: "memory");
}

#endif
