// Ops that know positions: rope, cache writes and attention over shuffled blocks full of garbage where no row
// may look.
#include <cmath>

#include "devices/conformance/case_builder.h"

namespace yoke::conformance {
namespace {

constexpr KvType kKvTypes[] = {KvType::kF16, KvType::kF32, KvType::kQ8_0};
constexpr int32_t kHeadDims[] = {32, 64, 80, 96, 128};

struct Heads {
  int32_t heads;
  int32_t kv_heads;
};
constexpr Heads kHeads[] = {{1, 1}, {4, 2}, {6, 1}, {9, 3}, {2, 2}};
constexpr int32_t kWindows[] = {0, 33, 1, 300};

// Generated rows deep in their sequences; prompts that begin, continue and cross the tile of 256; one prompt.
const std::vector<std::vector<SequenceRows>> kSteps = {
    {{300, 1}, {31, 1}, {0, 1}, {255, 1}},
    {{600, 1}, {0, 9}, {250, 12}, {95, 3}},
    {{0, 35}},
    {{511, 2}},
};

std::string text(const std::vector<SequenceRows>& step) {
  std::string out = "positions";
  for (const SequenceRows& s : step) {
    out += " " + std::to_string(s.position) + "+" + std::to_string(s.rows);
  }
  return out;
}

bool fits(KvType type, int32_t head_dim) {
  return type != KvType::kQ8_0 || head_dim % 32 == 0;
}

void rope(int32_t head_dim, int32_t rotated, RopePairs pairs, bool norm, Data data, Random& random,
          const CaseSink& sink) {
  const int32_t heads = 1 + random.below(4);
  CaseBuilder builder(random, std::vector<SequenceRows>{{17, 1}, {0, 1 + random.below(5)}});
  HeadNormRope op;
  const int64_t width = static_cast<int64_t>(heads) * head_dim;
  op.x = builder.input(width, random.floats(builder.rows() * width, data));
  if (norm) op.weight = builder.vector(random.floats(head_dim, Data::kNormal));
  op.eps = 1e-6f;
  op.heads = heads;
  op.head_dim = head_dim;
  op.rotated = rotated;
  op.pairs = pairs;
  std::vector<float> angles;
  for (int64_t i = 0; i < static_cast<int64_t>(builder.rows()) * (rotated / 2); ++i) {
    const double angle = random.normal() * 10.0;
    angles.push_back(static_cast<float>(std::cos(angle)));
    angles.push_back(static_cast<float>(std::sin(angle)));
  }
  // A rope that is not the one meant stands first.
  builder.rope(8, std::vector<float>(static_cast<size_t>(builder.rows()) * 16, 0.5f));
  op.rope = builder.rope(rotated / 2, std::move(angles));
  op.out = builder.output(width);
  sink(builder.build(op, "heads " + std::to_string(heads) + " of " + std::to_string(head_dim) + ", rotated " +
                             std::to_string(rotated) +
                             (pairs == RopePairs::kHalves ? ", halves" : ", adjacent") +
                             (norm ? ", norm" : "") + ", " + std::string(name(data))));
}

void kv_write(KvType type, int32_t kv_heads, int32_t head_dim, const std::vector<SequenceRows>& step,
              Data data, Random& random, const CaseSink& sink) {
  CaseBuilder builder(random, step);
  const int64_t width = static_cast<int64_t>(kv_heads) * head_dim;
  const auto values = [&] {
    std::vector<float> x = random.floats(builder.rows() * width, data);
    // Down to half's subnormals and below.
    if (data == Data::kNormal) {
      for (float& v : x) v = std::ldexp(v, -random.below(30));
    }
    return x;
  };
  KvWrite op;
  op.k = builder.input(width, values());
  op.v = builder.input(width, values());
  op.cache = builder.cache(type, kv_heads, head_dim);
  sink(builder.build(op, "kv heads " + std::to_string(kv_heads) + " of " + std::to_string(head_dim) + ", " +
                             text(step) + ", " + std::string(name(data))));
}

struct AttentionSizes {
  KvType type;
  int32_t head_dim;
  Heads heads;
  int32_t window;
  const std::vector<SequenceRows>& step;
  Data data;
};

void attention(const AttentionSizes& s, Random& random, const CaseSink& sink) {
  CaseBuilder builder(random, s.step);
  const int64_t width = static_cast<int64_t>(s.heads.heads) * s.head_dim;
  Attention op;
  op.q = builder.input(width, random.floats(builder.rows() * width, s.data));
  op.cache = builder.cache(s.type, s.heads.kv_heads, s.head_dim);
  builder.fill_cache(op.cache, random.floats(211 * s.head_dim, Data::kNormal));
  op.heads = s.heads.heads;
  op.scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim));
  op.window = s.window;
  op.out = builder.output(width);
  sink(builder.build(op, "heads " + std::to_string(s.heads.heads) + " over " +
                             std::to_string(s.heads.kv_heads) + " of " + std::to_string(s.head_dim) +
                             ", window " + std::to_string(s.window) + ", " + text(s.step) + ", " +
                             std::string(name(s.data))));
}

void ropes(bool thorough, Random& random, const CaseSink& sink) {
  size_t i = 0;
  for (const int32_t head_dim : kHeadDims) {
    for (const RopePairs pairs : {RopePairs::kAdjacent, RopePairs::kHalves}) {
      for (const bool norm : {false, true}) {
        for (const int32_t rotated : {head_dim, head_dim / 2}) {
          for (const Data data : kAllData) {
            if (!thorough && data != kAllData[i % std::size(kAllData)]) continue;
            rope(head_dim, rotated, pairs, norm, data, random, sink);
          }
          ++i;
        }
      }
    }
  }
}

void writes(bool thorough, Random& random, const CaseSink& sink) {
  size_t i = 0;
  for (const KvType type : kKvTypes) {
    for (const int32_t head_dim : kHeadDims) {
      if (!fits(type, head_dim)) continue;
      for (const int32_t kv_heads : {1, 3}) {
        for (const Data data : kAllData) {
          if (!thorough && data != Data::kNormal && data != kAllData[i % std::size(kAllData)]) continue;
          kv_write(type, kv_heads, head_dim, kSteps[i % kSteps.size()], data, random, sink);
        }
        ++i;
      }
    }
  }
}

void attentions(bool thorough, Random& random, const CaseSink& sink) {
  constexpr Data kQueries[] = {Data::kNormal, Data::kOutliers, Data::kZeros};
  size_t i = 0;
  for (const KvType type : kKvTypes) {
    for (const int32_t head_dim : kHeadDims) {
      if (!fits(type, head_dim)) continue;
      for (size_t h = 0; h < std::size(kHeads); ++h) {
        for (size_t w = 0; w < std::size(kWindows); ++w) {
          // Quick: two of the twenty per head size, so that each list is walked through.
          if (!thorough && (h * std::size(kWindows) + w) % 10 != i % 10) continue;
          for (size_t s = 0; s < kSteps.size(); ++s) {
            if (!thorough && s != (i + h) % kSteps.size()) continue;
            const Data data = kQueries[(h + w + s) % std::size(kQueries)];
            attention({type, head_dim, kHeads[h], kWindows[w], kSteps[s], data}, random, sink);
          }
        }
      }
      i += 3;
    }
  }
}

}  // namespace

void sequence_cases(const ConformanceOptions& options, const CaseSink& sink) {
  Random random(options.seed + 2);
  if (wants(options, "head_norm_rope")) ropes(options.thorough, random, sink);
  if (wants(options, "kv_write")) writes(options.thorough, random, sink);
  if (wants(options, "attention")) attentions(options.thorough, random, sink);
}

}  // namespace yoke::conformance
