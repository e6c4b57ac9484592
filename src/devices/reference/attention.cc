// Attention tile by tile over absolute positions (docs/numerics.md), one head of one row at a time.
#include <algorithm>
#include <vector>

#include "base/recipe.h"
#include "devices/reference/kv.h"

namespace yoke::reference {
namespace {

struct Partial {
  float max = 0;
  float sum = 0;
  std::vector<float> out;  // [head_dim]
};

// One head's view of its row's cache.
struct Head {
  const Context& context;
  const CacheView& cache;
  int32_t row;
  int32_t kv_head;

  void read(KvPart part, int32_t position, std::vector<float>& vector) const {  // [head_dim]
    const uint64_t block_bytes = kv_block_bytes(cache.type, cache.kv_heads, cache.head_dim);
    const int64_t block = context.cache_block(row, position, cache);
    load_vector(cache, part, cache.data + static_cast<uint64_t>(block) * block_bytes, kv_head,
                position % kBlockPositions, vector.data());
  }
};

// Positions first .. last, all in one tile; qs: the scaled query.
Partial tile(const Head& head, const std::vector<float>& qs, int32_t first, int32_t last) {
  const auto n = static_cast<size_t>(last - first) + 1;
  std::vector<float> e(n);  // scores, then their exponentials
  std::vector<float> kv(qs.size());
  Partial t;
  for (size_t i = 0; i < n; ++i) {
    head.read(KvPart::kKeys, first + static_cast<int32_t>(i), kv);
    float acc = 0;
    for (size_t d = 0; d < qs.size(); ++d) {
      const float product = qs[d] * kv[d];
      acc = acc + product;
    }
    e[i] = acc;
    t.max = i == 0 ? acc : std::max(t.max, acc);
  }
  float partial[recipe::kPartialSums] = {};
  for (size_t i = 0; i < n; ++i) {
    e[i] = recipe::exp(e[i] - t.max);
    float& p = partial[(static_cast<size_t>(first) + i) % recipe::kPartialSums];
    p = p + e[i];
  }
  t.sum = recipe::tree(partial, recipe::kPartialSums);
  t.out.assign(qs.size(), 0.0f);
  for (size_t i = 0; i < n; ++i) {
    head.read(KvPart::kValues, first + static_cast<int32_t>(i), kv);
    for (size_t d = 0; d < qs.size(); ++d) {
      const float product = e[i] * kv[d];
      t.out[d] = t.out[d] + product;
    }
  }
  return t;
}

void fold(Partial& all, const Partial& t) {
  const float max = std::max(all.max, t.max);
  const float a = recipe::exp(all.max - max);
  const float b = recipe::exp(t.max - max);
  const auto mix = [&](float x, float y) {
    const float xa = x * a;
    const float yb = y * b;
    return xa + yb;
  };
  all.max = max;
  all.sum = mix(all.sum, t.sum);
  for (size_t d = 0; d < all.out.size(); ++d) all.out[d] = mix(all.out[d], t.out[d]);
}

void attend(const Head& head, const std::vector<float>& qs, int32_t first, int32_t last, float* out) {
  Partial all;
  for (int32_t begin = first; begin <= last;) {
    const int32_t tile_last =
        begin / recipe::kAttentionTile * recipe::kAttentionTile + recipe::kAttentionTile - 1;
    const Partial t = tile(head, qs, begin, std::min(last, tile_last));
    if (begin == first) {
      all = t;
    } else {
      fold(all, t);
    }
    begin = tile_last + 1;
  }
  const float inv = recipe::recip(all.sum);
  for (size_t d = 0; d < qs.size(); ++d) out[d] = all.out[d] * inv;
}

}  // namespace

void run(const Attention& op, const Context& c) {
  const RowsView q = c.rows(op.q);
  const RowsView out = c.rows(op.out);
  const CacheView cache = c.cache(op.cache);
  std::vector<float> qs(static_cast<size_t>(cache.head_dim));
  for (int32_t r = 0; r < c.step().rows; ++r) {
    const int32_t last = c.step().positions[r];
    const int32_t first = op.window > 0 ? std::max(0, last - op.window + 1) : 0;
    for (int32_t h = 0; h < op.heads; ++h) {
      const int64_t offset = static_cast<int64_t>(h) * cache.head_dim;
      for (size_t d = 0; d < qs.size(); ++d) qs[d] = q.floats(r)[offset + static_cast<int64_t>(d)] * op.scale;
      const Head head{c, cache, r, h / (op.heads / cache.kv_heads)};
      attend(head, qs, first, last, out.floats(r) + offset);
    }
  }
}

}  // namespace yoke::reference
