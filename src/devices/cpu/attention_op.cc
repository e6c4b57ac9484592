// Attention divided over the members: units of (rows of one sequence, kv head), and for few rows over a long
// context also single tiles of 256 positions, which whoever finishes a unit last folds in order.
#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "devices/cpu/cpu_op.h"

namespace yoke::cpu {
namespace {

constexpr int32_t kTile = 256;
// Queries that share a tile widened to floats; more gain nothing.
constexpr int32_t kWideQueries = 192;
// Tiles' results kept apart at once; beyond it a unit is not divided by tiles.
constexpr int64_t kPartialBytes = int64_t{64} << 20;

int64_t round_up(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}

class AttentionOp final : public CpuOp {
 public:
  AttentionOp(const Attention& op, const Resolver& r)
      : k_(*r.kernels.ops),
        op_(op),
        q_(r.rows(op.q)),
        out_(r.rows(op.out)),
        cache_(r.cache(op.cache)),
        tile_(k_.attention_tile[static_cast<int>(cache_.type)]),
        stride_(round_up(cache_.head_dim, 16)) {
    if (cache_.kv_heads <= 0 || op.heads % cache_.kv_heads != 0) {
      fail(ErrorKind::kRuntime, "compiling for the CPU",
           std::to_string(op.heads) + " heads over " + std::to_string(cache_.kv_heads) + " kv heads");
    }
    if (cache_.head_dim > kMaxHeadDim) {
      fail(ErrorKind::kRuntime, "compiling for the CPU",
           "heads of " + std::to_string(cache_.head_dim) + " dimensions (at most " +
               std::to_string(kMaxHeadDim) + ")");
    }
    group_ = op.heads / cache_.kv_heads;
    few_rows_ = std::max(1, 2 * k_.tile_queries / group_);
    unit_queries_ = few_rows_ * group_;
    // Rows whose queries fill whole groups of a kernel, and several such groups.
    full_rows_ = k_.tile_queries / std::gcd(group_, k_.tile_queries);
    if (full_rows_ * group_ > kWideQueries) full_rows_ = 1;
    many_rows_ = std::max(1, kWideQueries / (full_rows_ * group_)) * full_rows_;
    text_ = r.kernels.isa_of(OpGroup::kAttention) + " kv " + std::string(name(cache_.type));
    // Only steps with few units are divided by tiles.
    max_tiles_ =
        (static_cast<int64_t>(r.program.limits.blocks_per_sequence) * kBlockPositions + kTile - 1) / kTile;
    const int64_t bytes_per_unit = max_tiles_ * unit_queries_ * (stride_ + 2) * 4;
    divided_units_ = std::min<int64_t>(kDividedPerMember * r.members,
                                       kPartialBytes / std::max<int64_t>(bytes_per_unit, 1));
    if (r.members == 1) divided_units_ = 0;
    left_ = std::vector<std::atomic<int32_t>>(static_cast<size_t>(divided_units_));
  }

  void start() override { next_.store(0, std::memory_order_relaxed); }

  void run(const StepInputs& step, const Member& me) override {
    const Cut few{few_rows_, cache_.kv_heads};
    const int64_t units = few.units_of(step);
    int64_t pieces = 0;
    for (const StepSpan& span : step.spans) {
      for (int32_t u = 0; u < few.units_of(span) / cache_.kv_heads; ++u) {
        pieces += tiles_of(few.rows_of(span, u)) * cache_.kv_heads;
      }
    }
    if (units <= divided_units_ && pieces > units) {
      run_divided(step, few, units, me);
    } else {
      run_whole(step, cut_of(step, me.count), me);
    }
  }

  std::string kernel() const override { return text_; }
  uint64_t scratch_bytes() const override { return scratch_floats() * 4; }
  uint64_t shared_bytes() const override {
    return static_cast<uint64_t>(divided_units_ * max_tiles_ * unit_queries_ * (stride_ + 2) * 4);
  }

 private:
  static constexpr int64_t kDividedPerMember = 4;
  static constexpr int64_t kUnitsPerMember = 12;

  // Consecutive rows of one sequence.
  struct RowRange {
    int32_t sequence;
    int32_t first_row;
    int32_t rows;
    int32_t position;  // of first_row
  };
  struct Unit {
    RowRange rows;
    int32_t kv_head;
  };
  // How the step is cut into units, counted span by span, row range by row range, kv heads fastest.
  struct Cut {
    int32_t rows_per_unit;
    int32_t kv_heads;

    int32_t units_of(const StepSpan& span) const {
      return (span.rows + rows_per_unit - 1) / rows_per_unit * kv_heads;
    }
    int64_t units_of(const StepInputs& step) const {
      int64_t units = 0;
      for (const StepSpan& span : step.spans) units += units_of(span);
      return units;
    }
    // Row range u of a span.
    RowRange rows_of(const StepSpan& span, int32_t u) const {
      const int32_t at = u * rows_per_unit;
      return {span.sequence, span.first_row + at, std::min(rows_per_unit, span.rows - at),
              span.first_position + at};
    }
    Unit unit_at(const StepInputs& step, int64_t i) const {
      size_t s = 0;
      while (i >= units_of(step.spans[s])) i -= units_of(step.spans[s++]);
      return {rows_of(step.spans[s], static_cast<int32_t>(i / kv_heads)), static_cast<int32_t>(i % kv_heads)};
    }
  };
  // As many rows a unit as gain something, as long as every member gets several units.
  Cut cut_of(const StepInputs& step, int members) const {
    const int64_t share = int64_t{step.rows} * cache_.kv_heads / (kUnitsPerMember * members);
    const int64_t rows = std::min<int64_t>(share / full_rows_ * full_rows_, many_rows_);
    return {static_cast<int32_t>(std::max<int64_t>(rows, few_rows_)), cache_.kv_heads};
  }
  // Pieces of a member's scratch. [queries ...]
  struct Scratch {
    float* q;        // [queries][kQueryStride]
    float* scores;   // [tile queries][256]
    float* wide;     // [2][256][head_dim]
    float* max;      // [queries] of the tile
    float* sum;      // [queries]
    float* out;      // [queries][stride]
    float* run_max;  // the same, folded so far
    float* run_sum;
    float* run_out;
    int32_t* begin;  // [queries]
    int32_t* end;
  };

  int64_t packed_queries() const {
    return round_up(std::max(many_rows_ * group_, unit_queries_), k_.tile_queries);
  }
  int64_t wide_floats() const { return 2 * kTile * cache_.head_dim; }
  uint64_t scratch_floats() const {
    const int64_t q = packed_queries();
    return static_cast<uint64_t>(q * kQueryStride + k_.tile_queries * kTile + wide_floats() +
                                 6 * round_up(q, 16) + 2 * q * stride_);
  }
  Scratch scratch_of(const Member& me) const {
    float* at = reinterpret_cast<float*>(me.scratch);
    const int64_t q = packed_queries();
    const auto take = [&](int64_t n) {
      float* const here = at;
      at += round_up(n, 16);
      return here;
    };
    Scratch s{};
    s.q = take(q * kQueryStride);
    s.scores = take(k_.tile_queries * kTile);
    s.wide = take(wide_floats());
    s.max = take(q);
    s.sum = take(q);
    s.out = take(q * stride_);
    s.run_max = take(q);
    s.run_sum = take(q);
    s.run_out = take(q * stride_);
    s.begin = reinterpret_cast<int32_t*>(take(q));
    s.end = reinterpret_cast<int32_t*>(take(q));
    return s;
  }

  int32_t first_seen(int32_t position) const {
    return op_.window > 0 ? std::max(0, position - op_.window + 1) : 0;
  }
  int32_t first_tile(const RowRange& rows) const { return first_seen(rows.position) / kTile; }
  int32_t tiles_of(const RowRange& rows) const {
    return (rows.position + rows.rows - 1) / kTile - first_tile(rows) + 1;
  }

  void pack_queries(const Unit& unit, const Scratch& s) const {
    for (int32_t row = 0; row < unit.rows.rows; ++row) {
      const float* const q = q_.floats(unit.rows.first_row + row) +
                             static_cast<int64_t>(unit.kv_head) * group_ * cache_.head_dim;
      for (int32_t h = 0; h < group_; ++h) {
        k_.attention_query(q + static_cast<int64_t>(h) * cache_.head_dim, cache_.head_dim, op_.scale,
                           s.q + (row * group_ + h) * kQueryStride);
      }
    }
  }

  const int32_t* table_of(const StepInputs& step, const RowRange& rows) const {
    const int32_t* const table =
        step.block_tables.data() + static_cast<int64_t>(rows.sequence) * step.blocks_per_sequence;
    const int32_t last = (rows.position + rows.rows - 1) / kBlockPositions;
    for (int32_t b = first_seen(rows.position) / kBlockPositions; b <= last; ++b) {
      if (b >= step.blocks_per_sequence || table[b] < 0 || table[b] >= cache_.blocks) {
        fail(ErrorKind::kRuntime, "attending",
             "position " + std::to_string(b * kBlockPositions) + " of sequence " +
                 std::to_string(rows.sequence) + " has no cache block");
      }
    }
    return table;
  }

  // A kv head's keys in the block of a position.
  const std::byte* keys(const int32_t* table, int32_t position, int32_t kv_head) const {
    return cache_.base + table[position / kBlockPositions] * cache_.block_bytes +
           kv_head * (cache_.v_offset / cache_.kv_heads);
  }
  // The first keys of a unit come from far away; they set out while its queries are scaled.
  void prefetch_keys(const std::byte* keys) const {
    for (int64_t at = 0; at < cache_.v_offset / cache_.kv_heads; at += 64) __builtin_prefetch(keys + at);
  }

  // One tile for queries [query_begin, query_begin + queries) of a unit into max, sum, out.
  void run_tile(const Unit& unit, const int32_t* table, int32_t tile, const Scratch& s, float* max,
                float* sum, float* out) const {
    const int32_t first = tile * kTile;
    const int32_t queries = unit.rows.rows * group_;
    for (int32_t i = 0; i < queries; ++i) {
      const int32_t position = unit.rows.position + i / group_;
      s.begin[i] = std::max(first, first_seen(position));
      s.end[i] = std::min(first + kTile, position + 1);
    }
    AttentionTile a{};
    a.cache = cache_.base;
    a.block_bytes = cache_.block_bytes;
    a.v_offset = cache_.v_offset;
    a.table = table + first / kBlockPositions;
    const int32_t last = unit.rows.position + unit.rows.rows - 1;
    a.next = first + kTile <= last ? keys(table, first + kTile, unit.kv_head) : nullptr;
    a.kv_head = unit.kv_head;
    a.head_dim = cache_.head_dim;
    a.first = first;
    a.queries = queries;
    a.q = s.q;
    a.begin = s.begin;
    a.end = s.end;
    a.scores = s.scores;
    a.wide = s.wide;
    a.max = max;
    a.sum = sum;
    a.out = out;
    a.out_stride = stride_;
    tile_(a);
  }

  float* output_of(const Unit& unit, int32_t query) const {
    return out_.floats(unit.rows.first_row + query / group_) +
           (static_cast<int64_t>(unit.kv_head) * group_ + query % group_) * cache_.head_dim;
  }
  // The tiles that a query sees.
  int32_t query_first_tile(const Unit& unit, int32_t query) const {
    return first_seen(unit.rows.position + query / group_) / kTile;
  }
  int32_t query_last_tile(const Unit& unit, int32_t query) const {
    return (unit.rows.position + query / group_) / kTile;
  }

  // Whole units, the later rows of a prompt (which see most) first.
  void run_whole(const StepInputs& step, const Cut& cut, const Member& me) {
    const Scratch s = scratch_of(me);
    const int64_t units = cut.units_of(step);
    for (;;) {
      const int64_t i = units - 1 - next_.fetch_add(1, std::memory_order_relaxed);
      if (i < 0) return;
      const Unit unit = cut.unit_at(step, i);
      const int32_t* const table = table_of(step, unit.rows);
      const int32_t queries = unit.rows.rows * group_;
      prefetch_keys(keys(table, first_seen(unit.rows.position), unit.kv_head));
      pack_queries(unit, s);
      const int32_t first = first_tile(unit.rows);
      for (int32_t tile = first; tile < first + tiles_of(unit.rows); ++tile) {
        run_tile(unit, table, tile, s, s.max, s.sum, s.out);
        for (int32_t q = 0; q < queries; ++q) {
          if (s.begin[q] < s.end[q]) {
            fold(q, tile == query_first_tile(unit, q), s.max[q], s.sum[q], s.out + q * stride_, s);
          }
        }
      }
      for (int32_t q = 0; q < queries; ++q) {
        k_.attention_finish(s.run_out + q * stride_, s.run_sum[q], cache_.head_dim, output_of(unit, q));
      }
    }
  }

  void fold(int32_t q, bool is_first, float max, float sum, const float* out, const Scratch& s) const {
    float* const run_out = s.run_out + q * stride_;
    if (is_first) {
      s.run_max[q] = max;
      s.run_sum[q] = sum;
      std::copy(out, out + stride_, run_out);
    } else {
      k_.attention_fold(&s.run_max[q], &s.run_sum[q], run_out, max, sum, out, cache_.head_dim);
    }
  }

  // Where a unit's tile keeps its results until they are folded.
  float* partial(const Member& me, int64_t unit, int32_t tile) const {
    return reinterpret_cast<float*>(me.shared) + (unit * max_tiles_ + tile) * unit_queries_ * (stride_ + 2);
  }

  // (unit, tile) pairs, the fullest tiles first by coming unit by unit.
  void run_divided(const StepInputs& step, const Cut& cut, int64_t units, const Member& me) {
    const Scratch s = scratch_of(me);
    int64_t wanted = next_.fetch_add(1, std::memory_order_relaxed);
    int64_t seen = 0;
    for (int64_t i = 0; i < units; ++i) {
      const Unit unit = cut.unit_at(step, i);
      const int32_t tiles = tiles_of(unit.rows);
      const int32_t* table = nullptr;
      while (wanted < seen + tiles) {
        if (table == nullptr) {
          table = table_of(step, unit.rows);
          pack_queries(unit, s);
        }
        run_piece(table, unit, i, static_cast<int32_t>(wanted - seen), tiles, s, me);
        wanted = next_.fetch_add(1, std::memory_order_relaxed);
      }
      seen += tiles;
    }
  }

  void run_piece(const int32_t* table, const Unit& unit, int64_t i, int32_t tile, int32_t tiles,
                 const Scratch& s, const Member& me) {
    float* const to = partial(me, i, tile);
    run_tile(unit, table, first_tile(unit.rows) + tile, s, to, to + unit_queries_, to + 2 * unit_queries_);
    // The last of a unit's tiles sees all the others' results.
    if (left_[i].fetch_add(1, std::memory_order_acq_rel) + 1 < tiles) return;
    left_[i].store(0, std::memory_order_relaxed);
    const int32_t queries = unit.rows.rows * group_;
    for (int32_t q = 0; q < queries; ++q) {
      const int32_t first = query_first_tile(unit, q) - first_tile(unit.rows);
      const int32_t last = query_last_tile(unit, q) - first_tile(unit.rows);
      for (int32_t t = first; t <= last; ++t) {
        const float* const from = partial(me, i, t);
        fold(q, t == first, from[q], from[unit_queries_ + q], from + 2 * unit_queries_ + q * stride_, s);
      }
      k_.attention_finish(s.run_out + q * stride_, s.run_sum[q], cache_.head_dim, output_of(unit, q));
    }
  }

  const OpKernels& k_;
  Attention op_;
  Rows q_;
  Rows out_;
  Cache cache_;
  void (*tile_)(const AttentionTile&);
  int64_t stride_;         // floats between the outputs of queries
  int32_t group_ = 1;      // query heads per kv head
  int32_t few_rows_ = 1;   // of a unit, where they are few
  int32_t full_rows_ = 1;  // whose queries fill whole groups
  int32_t many_rows_ = 1;  // of a unit, at most
  int32_t unit_queries_ = 1;
  int64_t max_tiles_ = 1;
  int64_t divided_units_ = 0;
  std::string text_;
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::vector<std::atomic<int32_t>> left_;  // [divided units] tiles finished
};

}  // namespace

std::unique_ptr<CpuOp> make_attention(const Attention& op, const Resolver& r) {
  return std::make_unique<AttentionOp>(op, r);
}

}  // namespace yoke::cpu
