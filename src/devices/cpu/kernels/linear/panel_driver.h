// Walks panels, pieces of k and tiles of rows, joins the pieces and writes the outputs: the part of a matrix
// product that all formats share. Included into one anonymous namespace per instruction set.

#define YOKE_INLINE inline __attribute__((always_inline))

template <int I>
struct Index {
  static constexpr int value = I;
};

YOKE_INLINE void fetch_ahead(const void* p) {
  __builtin_prefetch(p);
}
YOKE_INLINE void fetch_far(const void* p) {
  __builtin_prefetch(p, 0, 2);
}

// f(Index<0>), f(Index<1>) ...: loops whose counter must be a constant.
template <int N, int I = 0, class Body>
YOKE_INLINE void unrolled(Body&& body) {
  if constexpr (I < N) {
    body(Index<I>{});
    unrolled<N, I + 1>(body);
  }
}

constexpr int kPiece = 1024;  // elements of k with one accumulator (docs/numerics.md)
constexpr int kLanes = 16;    // rows of a panel
constexpr int kVectorBytes = 64;

// One tile's share of one piece: `Panels` panels of weights by `Tokens` rows of activations.
template <int Panels, int Tokens>
struct Tile {
  const uint8_t* w[Panels];  // the piece's first unit
  const uint8_t* x[Tokens];  // the rows' first bytes
  int64_t k;                 // first element of the piece
  int64_t next_rows;         // bytes from these rows to the next tile's, to fetch them ahead; 0: none
  int64_t next_piece;        // bytes from these weights to the next piece's
  int fetch_first;           // of each unit's lines there, this tile fetches these: first, first + step ...
  int fetch_step;
  int count;  // elements, at most kPiece
};

// Whether a tile fetches ahead. One of fewer than kFetchRows rows is one stream, with which the memory's own
// prefetcher does better alone, unless it is one of several tiles of many rows.
template <class Format, int Panels, int Tokens>
constexpr bool fetches() {
  return Tokens >= Format::kFetchRows || (Format::kNarrowRows > 0 && Panels > 1 && Tokens > 1);
}

// Fetched ahead while a tile computes: the lines [begin, end) of the next piece's unit, as far as they are
// this tile's, and with next_x the next tile's rows. Without it the memory idles while a piece is used from
// the first cache.
template <class Format, int Panels, int Tokens>
YOKE_INLINE void fetch_next(const Tile<Panels, Tokens>& tile, const uint8_t* const (&w)[Panels],
                            const uint8_t* const (&x)[Tokens], int begin, int end, bool next_x) {
  if constexpr (fetches<Format, Panels, Tokens>()) {
    if (next_x) {
      for (int t = 0; t < Tokens; ++t) fetch_ahead(x[t] + tile.next_rows);
    }
    for (int line = begin + tile.fetch_first; line < end; line += tile.fetch_step) {
      for (int r = 0; r < Panels; ++r) fetch_far(w[r] + tile.next_piece + line * kVectorBytes);
    }
  }
}

// The same for what a piece has beside the bytes of x: `bytes` at x + offset.
template <class Format, int Panels, int Tokens>
YOKE_INLINE void fetch_next_side(const Tile<Panels, Tokens>& tile, int64_t offset, int bytes) {
  if constexpr (fetches<Format, Panels, Tokens>()) {
    for (int t = 0; t < Tokens; ++t) {
      for (int i = 0; i < bytes; i += kVectorBytes) fetch_ahead(tile.x[t] + tile.next_rows + offset + i);
    }
  }
}

// The first `lines` of a unit, before anything else of it: the memory's own prefetcher follows a panel that
// is read in order, and loses one of whose units the codes are read before the scales.
template <int Panels>
YOKE_INLINE void read_in_order(const uint8_t* const (&w)[Panels], int lines) {
  for (int r = 0; r < Panels; ++r) {
    for (int i = 0; i < lines; ++i) {
      const volatile uint8_t* const line = w[r] + i * kVectorBytes;
      (void)*line;
    }
  }
}

struct Walk {
  const LinearArgs& args;
  int64_t row_begin;     // of this block of rows
  int64_t block_rows;    // rows of one level of the tree's stack
  float* stack;          // [level][block_rows][panels][16]
  uint8_t* wide;         // a piece of a group of panels as floats, for formats that widen
  const uint8_t* after;  // what follows the last panel, or null
};

// Where a tile lies.
struct Place {
  int64_t panel;
  int64_t row;
  int rows;
  int64_t piece;
  int tile;  // of so many tiles of the same piece
  int tiles;
  const uint8_t* next;  // the next piece's weights, or null
};

YOKE_INLINE int stack_depth(int64_t pieces) {
  return __builtin_popcountll(static_cast<unsigned long long>(pieces));
}

YOKE_INLINE void finish(const LinearArgs& a, int64_t row, int64_t panel, VF sum) {
  const int64_t n = panel * kLanes;
  const int lanes = static_cast<int>(a.n - n < kLanes ? a.n - n : kLanes);
  if (a.bias != nullptr) sum = add(sum, load_lanes(a.bias + n, lanes));
  if (a.add != nullptr) {
    const auto* base = reinterpret_cast<const uint8_t*>(a.add) + row * a.add_row_bytes;
    sum = add(load_lanes(reinterpret_cast<const float*>(base) + n, lanes), sum);
  }
  auto* base = reinterpret_cast<uint8_t*>(a.out) + row * a.out_row_bytes;
  store_lanes(reinterpret_cast<float*>(base) + n, sum, lanes);
}

// Pushes a piece's sums to the tree. The stack before piece p holds one entry per set bit of p, so what is
// joined, and where the result goes, follows from p alone. Only the first `rows` of the tile's rows count.
template <int Panels, int Tokens>
YOKE_INLINE void join_some(const Walk& walk, const Place& at, bool last, const VF (&acc)[Panels][Tokens]) {
  const int64_t level_floats = walk.block_rows * Panels * kLanes;
  float* slot = walk.stack + (at.row - walk.row_begin) * Panels * kLanes;
  const int depth = stack_depth(at.piece);
  const int kept = last ? 0 : stack_depth(at.piece + 1) - 1;
  for (int t = 0; t < at.rows; ++t) {
    for (int r = 0; r < Panels; ++r) {
      float* const entry = slot + (t * Panels + r) * kLanes;
      VF sum = acc[r][t];
      for (int level = depth - 1; level >= kept; --level) sum = add(load(entry + level * level_floats), sum);
      if (last) {
        finish(walk.args, at.row + t, at.panel + r, sum);
      } else {
        store(entry + kept * level_floats, sum);
      }
    }
  }
}

// The same where all rows and lanes of the tile count, with the sums in registers.
template <int Panels, int Tokens>
YOKE_INLINE void join_all(const Walk& walk, const Place& at, bool last, VF (&acc)[Panels][Tokens]) {
  const LinearArgs& a = walk.args;
  const auto for_all = [&](auto&& f) __attribute__((always_inline)) {
    unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
      unrolled<Panels>([&](auto r) __attribute__((always_inline)) { f(t, r, acc[r.value][t.value]); });
    });
  };
  const int64_t level_floats = walk.block_rows * Panels * kLanes;
  float* const slot = walk.stack + (at.row - walk.row_begin) * Panels * kLanes;
  const int kept = last ? 0 : stack_depth(at.piece + 1) - 1;
  for (int level = stack_depth(at.piece) - 1; level >= kept; --level) {
    const float* const from = slot + level * level_floats;
    for_all([&](auto t, auto r, VF& sum) __attribute__((always_inline)) {
      sum = add(load(from + (t.value * Panels + r.value) * kLanes), sum);
    });
  }
  if (!last) {
    float* const to = slot + kept * level_floats;
    for_all([&](auto t, auto r, VF& sum)
                __attribute__((always_inline)) { store(to + (t.value * Panels + r.value) * kLanes, sum); });
    return;
  }
  if (a.bias != nullptr) {
    for_all([&](auto, auto r, VF& sum) __attribute__((always_inline)) {
      sum = add(sum, load(a.bias + (at.panel + r.value) * kLanes));
    });
  }
  const int64_t first = at.panel * kVectorBytes;
  if (a.add != nullptr) {
    const auto* const base = reinterpret_cast<const uint8_t*>(a.add) + at.row * a.add_row_bytes + first;
    for_all([&](auto t, auto r, VF& sum) __attribute__((always_inline)) {
      const uint8_t* const from = base + t.value * a.add_row_bytes + r.value * kVectorBytes;
      sum = add(load(reinterpret_cast<const float*>(from)), sum);
    });
  }
  auto* const base = reinterpret_cast<uint8_t*>(a.out) + at.row * a.out_row_bytes + first;
  for_all([&](auto t, auto r, VF& sum) __attribute__((always_inline)) {
    store(reinterpret_cast<float*>(base + t.value * a.out_row_bytes + r.value * kVectorBytes), sum);
  });
}

// The outputs' lines on their way while the last piece is computed.
YOKE_INLINE void fetch_outputs(const LinearArgs& a, const Place& at, int panels) {
  for (int t = 0; t < at.rows; ++t) {
    const auto* out = reinterpret_cast<const uint8_t*>(a.out) + (at.row + t) * a.out_row_bytes;
    for (int r = 0; r < panels; ++r) fetch_ahead(out + (at.panel + r) * kVectorBytes);
    if (a.add == nullptr) continue;
    const auto* addend = reinterpret_cast<const uint8_t*>(a.add) + (at.row + t) * a.add_row_bytes;
    for (int r = 0; r < panels; ++r) fetch_ahead(addend + (at.panel + r) * kVectorBytes);
  }
}

// Formats that for many rows are converted to floats once per piece (floats.h).
template <class Format>
concept Widens = requires {
  typename Format::Wide;
};
template <class Format>
concept IsWide = requires {
  Format::kIsWide;
};
template <class Format>
constexpr int64_t wide_bytes(int panels) {
  return Widens<Format> ? int64_t{panels} * kPiece * kVectorBytes : 0;
}

template <class Format>
YOKE_INLINE const uint8_t* piece_of(const LinearArgs& a, int64_t panel, int64_t piece) {
  constexpr int64_t kPieceBytes = kPiece / Format::kUnit * Format::kUnitBytes;
  return reinterpret_cast<const uint8_t*>(a.w) + panel * a.panel_bytes + piece * kPieceBytes;
}

// One piece of one tile; a tile with more rows than there are repeats the last one.
template <class Format, int Panels, int Tokens>
__attribute__((noinline)) void run_tile(const Walk& walk, const Place& at) {
  const LinearArgs& a = walk.args;
  constexpr int64_t kPieceBytes = kPiece / Format::kUnit * Format::kUnitBytes;
  const int64_t k = at.piece * kPiece;
  const bool last = k + kPiece >= a.k;
  Tile<Panels, Tokens> tile;
  for (int r = 0; r < Panels; ++r) {
    if constexpr (IsWide<Format>) {
      tile.w[r] = walk.wide + r * kPieceBytes;
    } else {
      tile.w[r] = piece_of<Format>(a, at.panel + r, at.piece);
    }
  }
  for (int t = 0; t < Tokens; ++t) {
    const int real = t < at.rows ? t : at.rows - 1;
    tile.x[t] = reinterpret_cast<const uint8_t*>(a.x) + (at.row + real) * a.x_row_bytes;
  }
  tile.k = k;
  tile.next_rows = at.tile + 1 < at.tiles ? Tokens * a.x_row_bytes : 0;
  tile.next_piece = at.next - tile.w[0];
  tile.fetch_first = at.next != nullptr ? at.tile : 1 << 20;
  tile.fetch_step = at.tiles;
  tile.count = static_cast<int>(last ? a.k - k : kPiece);
  if (last && Tokens > 1) fetch_outputs(a, at, Panels);
  VF acc[Panels][Tokens];
  unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
    unrolled<Panels>([&](auto r) __attribute__((always_inline)) { acc[r.value][t.value] = zero_float(); });
  });
  Format::template add_piece<Panels, Tokens>(a, tile, acc);
  if (Tokens > 1 && at.rows == Tokens && a.n - at.panel * kLanes >= Panels * kLanes) {
    join_all<Panels, Tokens>(walk, at, last, acc);
    return;
  }
  VF sums[Panels][Tokens];  // in memory, unlike acc
  unrolled<Tokens>([&](auto t) __attribute__((always_inline)) {
    unrolled<Panels>([&](auto r)
                         __attribute__((always_inline)) { sums[r.value][t.value] = acc[r.value][t.value]; });
  });
  join_some<Panels, Tokens>(walk, at, last, sums);
}

// The tiles of so many panels by each of these numbers of rows, ascending.
template <class Format, int Panels, int... Tokens>
struct Tiles {
  static constexpr int kPanels = Panels;
  static constexpr int kCount = sizeof...(Tokens);
  static constexpr int kSizes[kCount] = {Tokens...};
  using Fn = void (*)(const Walk&, const Place&);
  static constexpr Fn kFunctions[kCount] = {run_tile<Format, Panels, Tokens>...};
  template <class Other>
  using Of = Tiles<Other, Panels, Tokens...>;
};

// One piece of one group of panels with all rows of a block.
template <class TileSet>
void run_piece(const Walk& walk, int64_t panel, int64_t rows, int64_t piece, const uint8_t* next) {
  constexpr int kMax = TileSet::kSizes[TileSet::kCount - 1];
  const int64_t groups = (rows + kMax - 1) / kMax;
  int64_t begin = 0;
  for (int64_t g = 0; g < groups; ++g) {
    // The smallest tile that leaves no more than the largest can take: 16 rows are 4 + 6 + 6.
    const int64_t needed = rows - begin - (groups - g - 1) * kMax;
    int size = 0;
    while (TileSet::kSizes[size] < needed) ++size;
    const int64_t share = TileSet::kSizes[size] < rows - begin ? TileSet::kSizes[size] : rows - begin;
    TileSet::kFunctions[size](walk, {panel, walk.row_begin + begin, static_cast<int>(share), piece,
                                     static_cast<int>(g), static_cast<int>(groups), next});
    begin += share;
  }
}

// All rows of a block with one group of panels: pieces outermost, so that a piece's weights stay in the first
// cache.
template <class Format, class TileSet>
void run_panels(const Walk& walk, int64_t panel, int64_t rows) {
  const LinearArgs& a = walk.args;
  const int64_t pieces = (a.k + kPiece - 1) / kPiece;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    const bool last = piece + 1 == pieces;
    if constexpr (Widens<Format>) {
      if (rows >= Format::kWidenRows) {
        for (int r = 0; r < TileSet::kPanels; ++r) {
          Format::widen(a, panel + r, piece, walk.wide + r * kPiece * kVectorBytes);
        }
        run_piece<typename TileSet::template Of<typename Format::Wide>>(walk, panel, rows, piece, nullptr);
        continue;
      }
    }
    const uint8_t* next = walk.after;
    if (!last) {
      next = piece_of<Format>(a, panel, piece + 1);
    } else if (panel + 2 * TileSet::kPanels <= a.panel_end) {
      next = piece_of<Format>(a, panel + TileSet::kPanels, 0);
    }
    run_piece<TileSet>(walk, panel, rows, piece, next);
  }
}

// Rows that one tile of two panels takes better than two of a format's own: past the narrow ones, up to this.
template <class Format>
constexpr int middle_rows() {
  if constexpr (requires { Format::kMiddleRows; }) {
    return Format::kMiddleRows;
  } else {
    return 0;
  }
}

// As many whole groups of panels as there are from `panel` on; returns the first panel that is left.
template <class Format, class TileSet>
int64_t run_groups(const Walk& walk, int64_t panel, int64_t rows) {
  for (; panel + TileSet::kPanels <= walk.args.panel_end; panel += TileSet::kPanels) {
    run_panels<Format, TileSet>(walk, panel, rows);
  }
  return panel;
}

// Panels that one row takes side by side, each a stream from memory. AMD's cores read one stream as fast as
// several; an Intel core with AMX read four half as fast again as one, which seems to start anew on each page
// of 4 KiB.
#if defined(YOKE_AMX)
constexpr int kOneRowPanels = 4;
#else
constexpr int kOneRowPanels = 1;
#endif

template <class Format>
void run_linear(const LinearArgs& a) {
  using Wide = typename Format::WideTiles;
  using Narrow = typename Format::NarrowTiles;
  const int64_t pieces = (a.k + kPiece - 1) / kPiece;
  int levels = 1;
  while ((int64_t{1} << levels) <= pieces) ++levels;
  constexpr int64_t kStackBytes = kLinearScratchBytes - wide_bytes<Format>(Wide::kPanels);
  const int64_t fits = kStackBytes / (int64_t{Wide::kPanels} * kVectorBytes * levels);
  const int64_t most = a.rows < kBlockRows ? a.rows : kBlockRows;
  const int64_t block_rows = fits < most ? fits : most;
  for (int64_t row = 0; row < a.rows; row += block_rows) {
    const int64_t rows = a.rows - row < block_rows ? a.rows - row : block_rows;
    const bool last = row + rows == a.rows;
    const Walk walk{a,
                    row,
                    block_rows,
                    reinterpret_cast<float*>(a.scratch),
                    reinterpret_cast<uint8_t*>(a.scratch) + kStackBytes,
                    last ? reinterpret_cast<const uint8_t*>(a.next) : nullptr};
    int64_t panel = a.panel_begin;
    if constexpr (kOneRowPanels > 1) {
      if (rows == 1) panel = run_groups<Format, Tiles<Format, kOneRowPanels, 1>>(walk, panel, rows);
    }
    if (rows > Format::kNarrowRows) {
      auto* groups = run_groups<Format, Wide>;
      if constexpr (middle_rows<Format>() > 0) {
        if (rows <= middle_rows<Format>())
          groups = run_groups<Format, Tiles<Format, 2, middle_rows<Format>()>>;
      }
      panel = groups(walk, panel, rows);
    }
    run_groups<Format, Narrow>(walk, panel, rows);
  }
}
