// Attention over one tile of 256 positions for queries that share a kv head. A kernel body (see math_body.h).
// Scores have lane = position, outputs lane = dimension; every vector of K or V that is loaded and converted
// serves all queries of a group from registers.

namespace yoke::cpu::YOKE_ISA {
namespace {

constexpr int32_t kTile = 256;
constexpr int32_t kBlock = 32;

void attention_query(const float* q, int32_t head_dim, float scale, float* to) {
  for (int32_t d = 0; d < head_dim; d += 16) {
    store_up_to(to + d, load_up_to(q + d, head_dim - d) * set(scale), head_dim - d);
  }
}

// Into the second cache: fetching into the first keeps so few lines under way that memory idles.
template <int Bytes>
inline void prefetch(const std::byte* p) {
  for (int i = 0; i < Bytes; i += 64) __builtin_prefetch(p + i, 0, 2);
}

// A tile widened to floats, in the first or second cache already.
struct WideKv : FloatKv {};
template <class Kv>
constexpr bool kFarAway = true;
template <>
constexpr bool kFarAway<WideKv> = false;

// Scores of Q queries for N vectors of positions from `slot` on in one block.
template <class Kv, int Q, int N>
inline void score_vectors(const std::byte* k, const std::byte* soon, const std::byte* later, int32_t head_dim,
                          int32_t slot, const float* q, float* scores) {
  V acc[Q][N];
  for (int i = 0; i < Q; ++i) {
    for (int n = 0; n < N; ++n) acc[i][n] = zero();
  }
  const float* qs[N];
  for (int n = 0; n < N; ++n) qs[n] = apart(q);
  // Dimension d + 1 is converted while d is multiplied: after the sums it would wait in line behind them.
  V scale[N], key[N];
  for (int n = 0; n < N; ++n) scale[n] = zero();
  const auto convert = [&](int32_t d, V(&to)[N]) __attribute__((always_inline)) {
    if (d % 32 == 0) {
      for (int n = 0; n < N; ++n) scale[n] = Kv::key_scale(k, d, slot + 16 * n);
    }
    for (int n = 0; n < N; ++n) to[n] = Kv::key(k, head_dim, d, slot + 16 * n, scale[n]);
  };
  if constexpr (kConvertAhead) convert(0, key);
  for (int32_t d = 0; d < head_dim; ++d) {
    if constexpr (!kConvertAhead) convert(d, key);
    if constexpr (kFarAway<Kv>) {
      prefetch<Kv::kKeyBytes>(soon + Kv::kKeyBytes * d);
      prefetch<Kv::kKeyBytes>(later + Kv::kKeyBytes * d);
    }
    V next[N];
    if constexpr (kConvertAhead) convert(d + 1 < head_dim ? d + 1 : 0, next);
    for (int i = 0; i < Q; ++i) {
      for (int n = 0; n < N; ++n) acc[i][n] = acc[i][n] + set(qs[n][i * kQueryStride + d]) * key[n];
    }
    if constexpr (kConvertAhead) {
      for (int n = 0; n < N; ++n) key[n] = next[n];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) store(scores + i * kTile + slot + 16 * n, acc[i][n]);
  }
}

template <class Kv>
const std::byte* head_of(const AttentionTile& a, int32_t position) {
  return a.cache + a.table[(position - a.first) / kBlock] * a.block_bytes +
         a.kv_head * Kv::head_bytes(a.head_dim);
}

// Positions [begin, end) of the tile, widened to whole vectors: lanes beyond are computed and never read.
template <class Kv, int Q>
void score_group(const AttentionTile& a, int32_t first_query, int32_t begin, int32_t end) {
  const float* const q = a.q + static_cast<int64_t>(first_query) * kQueryStride;
  for (int32_t b = begin / kBlock * kBlock; b < end; b += kBlock) {
    const std::byte* const k = head_of<Kv>(a, b);
    // The next block's keys, and this block's values for later: blocks lie apart, so that the CPU cannot
    // guess.
    const std::byte* const soon = b + kBlock < end    ? head_of<Kv>(a, b + kBlock)
                                  : a.next != nullptr ? a.next
                                                      : k;
    float* const scores = a.scores + (b - a.first);
    int32_t slot = begin > b ? (begin - b) / 16 * 16 : 0;
    const int32_t stop = end - b < kBlock ? end - b : kBlock;
    if constexpr (kTileVectors == 2) {
      if (stop - slot > 16) {
        score_vectors<Kv, Q, 2>(k, soon, k + a.v_offset, a.head_dim, slot, q, scores);
        continue;
      }
    }
    for (; slot < stop; slot += 16)
      score_vectors<Kv, Q, 1>(k, soon, k + a.v_offset, a.head_dim, slot, q, scores);
  }
}

// Which lanes of vector v lie in [begin, end).
struct Edge {
  int begin;
  int end;
};
inline Edge edge_of(int32_t v, int32_t begin, int32_t end) {
  return {begin > 16 * v ? begin - 16 * v : 0, end < 16 * v + 16 ? end - 16 * v : 16};
}

inline float greatest(const float* scores, int32_t begin, int32_t end) {
  const V low = set(-__builtin_inff());
  V m[4] = {low, low, low, low};
  const auto take = [&](int32_t v, V & most) __attribute__((always_inline)) {
    const Edge e = edge_of(v, begin, end);
    V x = load(scores + 16 * v);
    if (e.end - e.begin < 16) x = lanes(x, e.begin, e.end, low);
    most = max(x, most);
  };
  const int32_t last = (end - 1) / 16;
  int32_t v = begin / 16;
  for (; v + 4 <= last + 1; v += 4) {
    take(v, m[0]);
    take(v + 1, m[1]);
    take(v + 2, m[2]);
    take(v + 3, m[3]);
  }
  for (; v <= last; ++v) take(v, m[0]);
  return max16(max(max(m[0], m[1]), max(m[2], m[3])));
}

// Scores of one query become exps; its maximum and their sum. Masked lanes become zeros: by selection, never
// by a product.
void softmax(float* scores, int32_t begin, int32_t end, float* max_out, float* sum_out) {
  const float m = greatest(scores, begin, end);
  *max_out = m;
  V p[4] = {zero(), zero(), zero(), zero()};
  constexpr int kAtOnce = kInterleaved > 4 ? kInterleaved : 4;
  for (int32_t v0 = begin / (16 * kAtOnce) * kAtOnce; v0 <= (end - 1) / 16; v0 += kAtOnce) {
    for (int j0 = 0; j0 < kAtOnce; j0 += kInterleaved) {
      float* const at = scores + 16 * (v0 + j0);
      V x[kInterleaved];
      for (int j = 0; j < kInterleaved; ++j) x[j] = load(at + 16 * j) - set(m);
      exps(x);
      for (int j = 0; j < kInterleaved; ++j) {
        const Edge e = edge_of(v0 + j0 + j, begin, end);
        if (e.end - e.begin < 16) x[j] = e.begin < e.end ? lanes(x[j], e.begin, e.end, zero()) : zero();
        store(at + 16 * j, x[j]);
        p[(j0 + j) % 4] = p[(j0 + j) % 4] + x[j];
      }
    }
  }
  *sum_out = tree64(p[0], p[1], p[2], p[3]);
}

// Adds positions [begin, end) to N vectors of the outputs of Q queries from dimension d on, whose scores are
// those of the group from `first` on; rest > 0: the last vector has only so many dimensions.
template <class Kv, int Q, int N>
void weigh_vectors(const AttentionTile& a, int32_t first, int32_t query, int32_t begin, int32_t end,
                   int32_t d, int32_t rest) {
  V acc[Q][N];
  float* const out = a.out + query * a.out_stride + d;
#pragma GCC unroll 16
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) acc[i][n] = load(out + i * a.out_stride + 16 * n);
  }
  for (int32_t p = begin; p < end;) {
    const std::byte* const v = head_of<Kv>(a, p) + a.v_offset;
    const int32_t block = p / kBlock * kBlock;
    const int32_t stop = end < block + kBlock ? end : block + kBlock;
    const float* weights[N];
    for (int n = 0; n < N; ++n)
      weights[n] = apart(a.scores + static_cast<int64_t>(query - first) * kTile - a.first);
    V value[N];
    const auto convert = [&](int32_t slot, V(&to)[N]) __attribute__((always_inline)) {
      for (int n = 0; n < N; ++n) {
        to[n] = rest > 0 ? Kv::value_n(v, a.head_dim, slot, d + 16 * n, rest)
                         : Kv::value(v, a.head_dim, slot, d + 16 * n);
      }
    };
    if constexpr (kConvertAhead) convert(p - block, value);  // as for the keys
    for (; p < stop; ++p) {
      V next[N];
      if constexpr (kConvertAhead) {
        convert(p + 1 < stop ? p + 1 - block : 0, next);
      } else {
        convert(p - block, value);
      }
      for (int i = 0; i < Q; ++i) {
        for (int n = 0; n < N; ++n) acc[i][n] = acc[i][n] + set(weights[n][i * kTile + p]) * value[n];
      }
      if constexpr (kConvertAhead) {
        for (int n = 0; n < N; ++n) value[n] = next[n];
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Q; ++i) {
#pragma GCC unroll 2
    for (int n = 0; n < N; ++n) store(out + i * a.out_stride + 16 * n, acc[i][n]);
  }
}

template <class Kv, int Q>
void weigh_group(const AttentionTile& a, int32_t first, int32_t query, int32_t begin, int32_t end) {
  if (begin >= end) return;
  int32_t d = 0;
  if constexpr (kTileVectors == 2) {
    for (; d + 32 <= a.head_dim; d += 32) weigh_vectors<Kv, Q, 2>(a, first, query, begin, end, d, 0);
  }
  for (; d + 16 <= a.head_dim; d += 16) weigh_vectors<Kv, Q, 1>(a, first, query, begin, end, d, 0);
  if (d < a.head_dim) weigh_vectors<Kv, Q, 1>(a, first, query, begin, end, d, a.head_dim - d);
}

// Q consecutive queries, a whole group or what is left: joint where all of them see a position, else one by
// one.
template <class Kv, int Q>
void tile_group(const AttentionTile& a, int32_t query) {
  int32_t outer_begin = a.first + kTile;
  int32_t outer_end = a.first;
  int32_t inner_begin = a.first;
  int32_t inner_end = a.first + kTile;
  for (int32_t i = query; i < query + Q; ++i) {
    inner_begin = a.begin[i] > inner_begin ? a.begin[i] : inner_begin;
    inner_end = a.end[i] < inner_end ? a.end[i] : inner_end;
    if (a.begin[i] >= a.end[i]) continue;
    outer_begin = a.begin[i] < outer_begin ? a.begin[i] : outer_begin;
    outer_end = a.end[i] > outer_end ? a.end[i] : outer_end;
  }
  if (outer_begin >= outer_end) return;
  score_group<Kv, Q>(a, query, outer_begin, outer_end);
  for (int32_t i = query; i < query + Q; ++i) {
    if (a.begin[i] >= a.end[i]) continue;
    softmax(a.scores + static_cast<int64_t>(i - query) * kTile, a.begin[i] - a.first, a.end[i] - a.first,
            &a.max[i], &a.sum[i]);
    float* const out = a.out + i * a.out_stride;
    for (int32_t d = 0; d < a.head_dim; d += 16) store(out + d, zero());
  }
  if (inner_begin >= inner_end) {
    for (int32_t i = query; i < query + Q; ++i) weigh_group<Kv, 1>(a, query, i, a.begin[i], a.end[i]);
    return;
  }
  for (int32_t i = query; i < query + Q; ++i) weigh_group<Kv, 1>(a, query, i, a.begin[i], inner_begin);
  weigh_group<Kv, Q>(a, query, query, inner_begin, inner_end);
  for (int32_t i = query; i < query + Q; ++i) weigh_group<Kv, 1>(a, query, i, inner_end, a.end[i]);
}

template <class Kv, int Q>
void tile_rest(const AttentionTile& a, int32_t query, int32_t count) {
  if constexpr (Q > 0) {
    if (count == Q) {
      tile_group<Kv, Q>(a, query);
    } else {
      tile_rest<Kv, Q - 1>(a, query, count);
    }
  }
}

template <class Kv>
void tile_groups(const AttentionTile& a) {
  for (int32_t query = 0; query < a.queries; query += kTileQueries) {
    const int32_t left = a.queries - query;
    tile_rest<Kv, kTileQueries>(a, query, left < kTileQueries ? left : kTileQueries);
  }
}

// The blocks of positions [begin, end) of the tile, as a cache of floats would hold them: one kv head's.
template <class Kv>
void widen(const AttentionTile& a, int32_t begin, int32_t end) {
  for (int32_t b = begin / kBlock * kBlock; b < end; b += kBlock) {
    const std::byte* const k = head_of<Kv>(a, b);
    const std::byte* const v = k + a.v_offset;
    const std::byte* const soon = b + kBlock < end    ? head_of<Kv>(a, b + kBlock)
                                  : a.next != nullptr ? a.next
                                                      : k;
    float* const wide = a.wide + static_cast<int64_t>(b - a.first) * 2 * a.head_dim;
    for (int32_t slot = 0; slot < kBlock; slot += 16) {
      V scale = zero();
      for (int32_t d = 0; d < a.head_dim; ++d) {
        if (d % 32 == 0) scale = Kv::key_scale(k, d, slot);
        if (slot == 0) {
          prefetch<Kv::kKeyBytes>(soon + Kv::kKeyBytes * d);
          prefetch<Kv::kKeyBytes>(soon + a.v_offset + Kv::kKeyBytes * d);
        }
        store(wide + kBlock * d + slot, Kv::key(k, a.head_dim, d, slot, scale));
      }
    }
    float* to = wide + static_cast<int64_t>(kBlock) * a.head_dim;
    for (int32_t slot = 0; slot < kBlock; ++slot, to += a.head_dim) {
      int32_t d = 0;
      for (; d + 16 <= a.head_dim; d += 16) store(to + d, Kv::value(v, a.head_dim, slot, d));
      if (d < a.head_dim) {
        store_n(to + d, Kv::value_n(v, a.head_dim, slot, d, a.head_dim - d), a.head_dim - d);
      }
    }
  }
}

// Converting a vector costs as much as three of its multiplications: with three groups of queries and more
// it is done once for all of them.
template <class Kv>
void attention_tile(const AttentionTile& a) {
  if (a.wide == nullptr || a.queries <= 2 * kTileQueries) {
    tile_groups<Kv>(a);
    return;
  }
  int32_t begin = a.first + kTile;
  int32_t end = a.first;
  for (int32_t i = 0; i < a.queries; ++i) {
    if (a.begin[i] >= a.end[i]) continue;
    begin = a.begin[i] < begin ? a.begin[i] : begin;
    end = a.end[i] > end ? a.end[i] : end;
  }
  if (begin >= end) return;
  widen<Kv>(a, begin, end);
  constexpr int32_t kIds[kTile / kBlock] = {0, 1, 2, 3, 4, 5, 6, 7};
  AttentionTile wide = a;
  wide.cache = reinterpret_cast<const std::byte*>(a.wide);
  wide.block_bytes = 2 * WideKv::head_bytes(a.head_dim);
  wide.v_offset = WideKv::head_bytes(a.head_dim);
  wide.table = kIds;
  wide.next = nullptr;
  wide.kv_head = 0;
  tile_groups<WideKv>(wide);
}

void attention_fold(float* max_at, float* sum_at, float* out, float tile_max, float tile_sum,
                    const float* tile_out, int32_t head_dim) {
  const float m = *max_at > tile_max ? *max_at : tile_max;
  const float a = exp1(*max_at - m);
  const float b = exp1(tile_max - m);
  *max_at = m;
  *sum_at = *sum_at * a + tile_sum * b;
  for (int32_t d = 0; d < head_dim; d += 16) {
    store(out + d, load(out + d) * set(a) + load(tile_out + d) * set(b));
  }
}

void attention_finish(const float* out, float sum, int32_t head_dim, float* to) {
  const V f = set(recip1(sum));
  for (int32_t d = 0; d < head_dim; d += 16) store_up_to(to + d, load(out + d) * f, head_dim - d);
}

}  // namespace
}  // namespace yoke::cpu::YOKE_ISA
