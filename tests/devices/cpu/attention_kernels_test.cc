// Each instruction set's attention tiles against the scalar recipe over the cache as stored, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "devices/cpu/kernels/op_kernels.h"
#include "kernel_tables.h"
#include "ops/recipe.h"
#include "tensor/half.h"

namespace yoke::cpu {
namespace {

// A small cache filled through the kernels' own writes and read back by the layout page's words.
struct SmallCache {
  KvFormat format;
  int head_dim;
  int kv_heads = 2;
  std::vector<int32_t> table;
  std::vector<std::byte> bytes;
  int64_t block_bytes = 0;
  int64_t v_offset = 0;

  SmallCache(const OpKernels& k, KvFormat f, int dim, int positions) : format(f), head_dim(dim) {
    const int blocks = (positions + 31) / 32;
    const int64_t elements = int64_t{32} * kv_heads * dim;
    v_offset = f == KvFormat::kF16 ? elements * 2 : f == KvFormat::kF32 ? elements * 4 : elements / 32 * 34;
    block_bytes = 2 * v_offset;
    // What was never written is poison: NaN in each format's floats.
    bytes.assign(block_bytes * (blocks + 1), std::byte{0xFF});
    for (int b = 0; b < blocks; ++b) table.push_back((b * 7 + 3) % blocks);
    if (blocks % 7 == 0) {
      for (int b = 0; b < blocks; ++b) table[b] = blocks - 1 - b;
    }
    for (int p = 0; p < positions; ++p) {
      const std::vector<float> kv = random_floats(2 * kv_heads * dim, 1000 + p);
      k.kv_write[static_cast<int>(f)]({.k = kv.data(),
                                       .v = kv.data() + kv_heads * dim,
                                       .block = bytes.data() + table[p / 32] * block_bytes,
                                       .v_offset = v_offset,
                                       .slot = p % 32,
                                       .head_dim = dim,
                                       .head_begin = 0,
                                       .head_end = kv_heads});
    }
  }

  template <class T>
  static T at(const std::byte* base, int64_t i) {
    T value;
    std::memcpy(&value, base + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  const std::byte* head(int p, int h, bool v) const {
    return bytes.data() + table[p / 32] * block_bytes + (v ? v_offset : 0) + h * (v_offset / kv_heads);
  }
  float element(const std::byte* base, int64_t i, int64_t scale) const {
    if (format == KvFormat::kF32) return at<float>(base, i);
    if (format == KvFormat::kF16) return half_to_float(at<uint16_t>(base, i));
    return static_cast<float>(at<int8_t>(base + 2 * head_dim, i)) * half_to_float(at<uint16_t>(base, scale));
  }
  float key(int h, int p, int d) const {
    return element(head(p, h, false), 32 * d + p % 32, d / 32 * 32 + p % 32);
  }
  float value(int h, int p, int d) const {
    return element(head(p, h, true), static_cast<int64_t>(p % 32) * head_dim + d,
                   p % 32 * (head_dim / 32) + d / 32);
  }
};

struct TileResult {
  float max = 0;
  float sum = 0;
  std::vector<float> out;
};

TileResult tile_by_recipe(const SmallCache& cache, int h, const float* qs, int begin, int end) {
  std::vector<float> e(end - begin);
  TileResult r;
  r.max = -std::numeric_limits<float>::infinity();
  for (int p = begin; p < end; ++p) {
    float acc = 0;
    for (int d = 0; d < cache.head_dim; ++d) acc = acc + qs[d] * cache.key(h, p, d);
    e[p - begin] = acc;
    r.max = std::max(r.max, acc);
  }
  float partial[64] = {};
  for (int p = begin; p < end; ++p) {
    e[p - begin] = recipe::exp(e[p - begin] - r.max);
    partial[p % 64] = partial[p % 64] + e[p - begin];
  }
  r.sum = recipe::tree(partial, 64);
  for (int d = 0; d < cache.head_dim; ++d) {
    float acc = 0;
    for (int p = begin; p < end; ++p) acc = acc + e[p - begin] * cache.value(h, p, d);
    r.out.push_back(acc);
  }
  return r;
}

class AttentionKernels : public testing::TestWithParam<OpTable> {
 protected:
  // queries with their own visible ranges over the tile that starts at `first`, as stored and widened
  void check(const SmallCache& cache, int first, const std::vector<std::pair<int, int>>& seen) {
    for (const bool widened : {false, true}) check(cache, first, seen, widened);
  }
  void check(const SmallCache& cache, int first, const std::vector<std::pair<int, int>>& seen, bool widened) {
    const OpKernels& k = *GetParam().ops;
    const int n = static_cast<int>(seen.size());
    const int dim = cache.head_dim;
    const int stride = (dim + 15) / 16 * 16;
    const int padded = (n + k.tile_queries - 1) / k.tile_queries * k.tile_queries;
    std::vector<float> q(padded * kQueryStride);
    std::vector<float> scores(k.tile_queries * 256);
    std::vector<float> wide(2 * 256 * dim);
    std::vector<float> max(n), sum(n), out(n * stride);
    std::vector<int32_t> begin(n), end(n);
    std::vector<std::vector<float>> qs;
    const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
    for (int i = 0; i < n; ++i) {
      std::vector<float> row = random_floats(dim, 50 + i);
      k.attention_query(row.data(), dim, scale, q.data() + i * kQueryStride);
      for (float& x : row) x = x * scale;
      qs.push_back(row);
      begin[i] = seen[i].first;
      end[i] = seen[i].second;
    }
    for (int h = 0; h < cache.kv_heads; ++h) {
      AttentionTile a{};
      a.cache = cache.bytes.data();
      a.block_bytes = cache.block_bytes;
      a.v_offset = cache.v_offset;
      a.table = cache.table.data() + first / 32;
      a.kv_head = h;
      a.head_dim = dim;
      a.first = first;
      a.queries = n;
      a.q = q.data();
      a.begin = begin.data();
      a.end = end.data();
      a.scores = scores.data();
      a.wide = widened ? wide.data() : nullptr;
      a.max = max.data();
      a.sum = sum.data();
      a.out = out.data();
      a.out_stride = stride;
      k.attention_tile[static_cast<int>(cache.format)](a);
      for (int i = 0; i < n; ++i) {
        if (begin[i] >= end[i]) continue;
        const TileResult expected = tile_by_recipe(cache, h, qs[i].data(), begin[i], end[i]);
        const std::string what = "dim " + std::to_string(dim) + " query " + std::to_string(i) + " of " +
                                 std::to_string(n) + " sees " + std::to_string(begin[i]) + " to " +
                                 std::to_string(end[i]) + (widened ? ", widened" : "");
        ASSERT_EQ(max[i], expected.max) << what;
        ASSERT_EQ(bits_of(sum[i]), bits_of(expected.sum)) << what;
        expect_same_bits({out.begin() + i * stride, out.begin() + i * stride + dim}, expected.out, what);
      }
    }
  }
};

TEST_P(AttentionKernels, TilesOfAnyLengthAndAnyNumberOfQueries) {
  for (const KvFormat format : {KvFormat::kF16, KvFormat::kF32, KvFormat::kQ8}) {
    const SmallCache cache(*GetParam().ops, format, 64, 512);
    for (const int end : {1, 15, 16, 17, 32, 33, 63, 64, 65, 200, 255, 256}) {
      check(cache, 0, std::vector<std::pair<int, int>>(1 + end % 9, {0, end}));
      check(cache, 256, std::vector<std::pair<int, int>>(3, {256, 256 + end}));
    }
    for (int n = 1; n <= 17; ++n) check(cache, 256, std::vector<std::pair<int, int>>(n, {256, 300}));
  }
}

TEST_P(AttentionKernels, HeadsOfAnySize) {
  for (const int dim : {1, 8, 16, 20, 24, 40, 48, 80, 96, 128, 256, 512}) {
    for (const KvFormat format : {KvFormat::kF16, KvFormat::kF32}) {
      const SmallCache cache(*GetParam().ops, format, dim, 70);
      check(cache, 0, std::vector<std::pair<int, int>>(9, {0, 70}));
    }
  }
  for (const int dim : {32, 96, 128}) {
    const SmallCache cache(*GetParam().ops, KvFormat::kQ8, dim, 70);
    check(cache, 0, std::vector<std::pair<int, int>>(5, {0, 70}));
  }
}

TEST_P(AttentionKernels, RowsThatSeeDifferentPositions) {
  const SmallCache cache(*GetParam().ops, KvFormat::kF16, 64, 520);
  std::vector<std::pair<int, int>> causal, windowed, narrow, partly;
  for (int row = 0; row < 5; ++row) {
    for (int head = 0; head < 3; ++head) {
      causal.push_back({256, 300 + row});
      windowed.push_back({260 + row, 330 + row});
      narrow.push_back({300 + 3 * row, 302 + 3 * row});
      partly.push_back({512, 510 + row});
    }
  }
  check(cache, 256, causal);
  check(cache, 256, windowed);
  check(cache, 256, narrow);
  check(cache, 512, partly);
}

// A whole prompt's share of a tile: enough queries for every kernel to widen it.
TEST_P(AttentionKernels, ManyQueries) {
  for (const auto& [format, dim] :
       {std::pair{KvFormat::kF16, 64}, {KvFormat::kF16, 20}, {KvFormat::kF32, 40}, {KvFormat::kQ8, 96}}) {
    const SmallCache cache(*GetParam().ops, format, dim, 512);
    std::vector<std::pair<int, int>> causal, windowed;
    for (int row = 0; row < 32; ++row) {
      for (int head = 0; head < 3; ++head) {
        causal.push_back({256, 400 + row});
        windowed.push_back({290 + row, std::min(400 + 5 * row, 512)});
      }
    }
    check(cache, 256, causal);
    check(cache, 256, windowed);
  }
}

TEST_P(AttentionKernels, FoldAndFinish) {
  const OpKernels& k = *GetParam().ops;
  for (const int dim : {16, 20, 64, 128}) {
    const int stride = (dim + 15) / 16 * 16;
    std::vector<float> a = random_floats(stride, 1);
    const std::vector<float> b = random_floats(stride, 2);
    for (const auto& [ma, mb] : {std::pair{0.5f, 2.25f}, {3.0f, -80.0f}, {1.0f, 1.0f}}) {
      float max = ma;
      float sum = 3.75f;
      const float m = std::max(ma, mb);
      const float fa = recipe::exp(ma - m);
      const float fb = recipe::exp(mb - m);
      const float expected_sum = sum * fa + 1.5f * fb;
      std::vector<float> expected(dim), got(dim);
      for (int d = 0; d < dim; ++d) expected[d] = (a[d] * fa + b[d] * fb) * recipe::recip(expected_sum);
      std::vector<float> out = a;
      k.attention_fold(&max, &sum, out.data(), mb, 1.5f, b.data(), dim);
      k.attention_finish(out.data(), sum, dim, got.data());
      EXPECT_EQ(max, m);
      EXPECT_EQ(bits_of(sum), bits_of(expected_sum));
      expect_same_bits(got, expected, "fold " + std::to_string(dim));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, AttentionKernels, testing::ValuesIn(op_tables()),
                         [](const auto& table) { return table.param.isa; });

}  // namespace
}  // namespace yoke::cpu
