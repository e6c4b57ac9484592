// The reference's numbers against double precision, with bounds derived from the roundings each recipe makes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "devices/conformance/case_builder.h"
#include "devices/conformance/run_case.h"
#include "devices/reference/kv.h"
#include "devices/reference/reference.h"
#include "tensor/codes.h"
#include "tensor/half.h"
#include "tensor/quantize.h"

namespace yoke {
namespace {

using conformance::CaseBuilder;
using conformance::Data;
using conformance::Outcome;
using conformance::Random;

constexpr double kUnit = 0x1p-24;  // half an ULP of float32, relative

Outcome run(const conformance::Case& c) {
  return run_case(c, *make_reference_device(), Layout::kStored);
}

std::vector<float> row_of(const conformance::Case& c, const Outcome& outcome, ValueId id, int64_t row) {
  const ProgramValue& value = c.program.values[index(id)];
  std::vector<float> out(static_cast<size_t>(value.width));
  std::memcpy(out.data(), outcome.arena.data() + value.offset + static_cast<uint64_t>(row) * value.row_bytes,
              out.size() * 4);
  return out;
}

// A row of activations as the numbers that the product takes.
std::vector<double> activations(ActFormat format, const float* x, int64_t k) {
  const ActLayout l = act_layout(format, k);
  std::vector<std::byte> row(static_cast<size_t>(l.row_bytes));
  quantize_activations(format, x, k, row.data());
  std::vector<double> out(static_cast<size_t>(k));
  for (int64_t i = 0; i < k; ++i) {
    if (format == ActFormat::kF32) {
      out[i] = x[i];
      continue;
    }
    if (format == ActFormat::kBF16) {
      uint16_t bits;
      std::memcpy(&bits, row.data() + 2 * i, 2);
      out[i] = bf16_to_float(bits);
      continue;
    }
    float scale;
    std::memcpy(&scale, row.data() + l.scale_offset + i / (format == ActFormat::kQ8x32 ? 32 : 256) * 4, 4);
    out[i] = static_cast<double>(reinterpret_cast<const int8_t*>(row.data())[i]) * static_cast<double>(scale);
  }
  return out;
}

// |scale * q| + |minimum| of each element: formats with minimums subtract two sums that may be larger than
// what is left of them.
std::vector<double> magnitudes(DType type, const std::byte* row, int64_t k) {
  std::vector<double> out;
  const DTypeTraits& t = traits(type);
  if (t.block == 1) {
    std::vector<float> w(static_cast<size_t>(k));
    dequantize(type, row, k, w.data());
    for (const float v : w) out.push_back(std::fabs(v));
    return out;
  }
  const CodeTraits& f = code_traits(type);
  for (int64_t b = 0; b < k / t.block; ++b) {
    BlockCodes codes;
    take_apart(type, row + b * t.block_bytes, codes);
    for (int32_t e = 0; e < t.block; ++e) {
      const double scale = block_scale(type, codes.d) * (f.scales ? codes.scale[e / f.sub] : 1);
      const double min =
          f.offset || f.mins ? half_to_float(codes.m) * (f.mins ? codes.min[e / f.sub] : 1) : 0;
      out.push_back(std::fabs(scale * f.map[codes.code[e]]) + std::fabs(min));
    }
  }
  return out;
}

class LinearTest : public testing::TestWithParam<DType> {};

// Each term of a block: the conversion of two integers, four multiplications and an addition, each within a
// unit; then an addition per block and per level of the tree. dequantize() itself rounds three times.
TEST_P(LinearTest, IsTheProductOfDequantizedNumbers) {
  const DType type = GetParam();
  const int64_t n = 5;
  const int64_t k = traits(type).block == 1 ? 1500 : 1536;
  const int32_t rows = 3;
  Random random(5);
  const std::vector<float> x = random.floats(rows * k, Data::kNormal);
  const conformance::Bytes weight = random.weight(type, n, k, Data::kNormal);
  const std::vector<float> bias = random.floats(n, Data::kNormal);
  CaseBuilder builder(random, rows);
  Linear op;
  op.x = builder.input(k, x, traits(type).act);
  op.weight = builder.matrix(type, n, k, weight);
  op.bias = builder.vector(bias);
  op.out = builder.output(n);
  const conformance::Case c = builder.build(op, "");
  const Outcome outcome = run(c);

  std::vector<float> w(static_cast<size_t>(k));
  for (int64_t o = 0; o < n; ++o) {
    const std::byte* row = weight.data() + static_cast<uint64_t>(o) * stored_bytes(type, 1, k);
    dequantize(type, row, k, w.data());
    const std::vector<double> sizes = magnitudes(type, row, k);
    for (int32_t r = 0; r < rows; ++r) {
      const std::vector<double> a = activations(traits(type).act, x.data() + r * k, k);
      double sum = bias[o];
      double magnitude = std::fabs(sum);
      for (int64_t i = 0; i < k; ++i) {
        sum += a[i] * static_cast<double>(w[i]);
        magnitude += std::fabs(a[i]) * sizes[i];
      }
      const auto blocks = static_cast<double>(k / traits(type).block);
      const double bound = kUnit * magnitude * (12 + blocks + 4);
      EXPECT_NEAR(row_of(c, outcome, op.out, r)[o], sum, bound) << traits(type).name;
    }
  }
}

std::vector<DType> all_types() {
  std::vector<DType> types;
  for (const DTypeTraits& t : all_dtypes()) types.push_back(t.type);
  return types;
}
std::string type_name(const testing::TestParamInfo<DType>& param) {
  return std::string(traits(param.param).name);
}
INSTANTIATE_TEST_SUITE_P(Formats, LinearTest, testing::ValuesIn(all_types()), type_name);

TEST(ReferenceOps, RmsNormIsWithinItsRoundings) {
  const int64_t n = 2049;
  Random random(6);
  const std::vector<float> x = random.floats(n, Data::kOutliers);
  const std::vector<float> weight = random.floats(n, Data::kNormal);
  CaseBuilder builder(random, 1);
  RmsNorm op;
  op.x = builder.input(n, x);
  op.weight = builder.vector(weight);
  op.eps = 1e-5f;
  op.out = builder.output(n);
  const conformance::Case c = builder.build(op, "");
  const std::vector<float> y = row_of(c, run(c), op.out, 0);
  double squares = 0;
  for (const float v : x) squares += static_cast<double>(v) * v;
  const double r = 1 / std::sqrt(squares / n + 1e-5);
  // 34 additions a partial sum, 6 of the tree, two more operations, halved by the root; 3 of the root; 2
  // products.
  const double relative = kUnit * (43.0 / 2 + 3 + 2);
  for (int64_t i = 0; i < n; ++i) {
    const double expected = x[i] * r * weight[i];
    EXPECT_NEAR(y[i], expected, std::fabs(expected) * relative);
  }
}

TEST(ReferenceOps, RopeTurnsPairsAndCopiesTheRest) {
  for (const RopePairs pairs : {RopePairs::kAdjacent, RopePairs::kHalves}) {
    Random random(7);
    CaseBuilder builder(random, 1);
    const std::vector<float> x = {1, 2, 3, 4, 5, 6};
    HeadNormRope op;
    op.x = builder.input(6, x);
    op.heads = 1;
    op.head_dim = 6;
    op.rotated = 4;
    op.pairs = pairs;
    // A quarter turn, then no turn.
    op.rope = builder.rope(2, {0, 1, 1, 0});
    op.out = builder.output(6);
    const conformance::Case c = builder.build(op, "");
    const std::vector<float> y = row_of(c, run(c), op.out, 0);
    if (pairs == RopePairs::kAdjacent) {
      EXPECT_EQ(y, (std::vector<float>{-2, 1, 3, 4, 5, 6}));
    } else {
      EXPECT_EQ(y, (std::vector<float>{-3, 2, 1, 4, 5, 6}));
    }
  }
}

TEST(ReferenceOps, GatedMulIsSilu) {
  Random random(8);
  const std::vector<float> gate = {-100, -87, -20, -1, -0.0f, 0, 0.5f, 3, 88, 1000};
  CaseBuilder builder(random, 1);
  GatedMul op;
  op.gate = builder.input(10, gate);
  op.up = builder.input(10, std::vector<float>(10, 2.0f));
  op.out = builder.output(10);
  const conformance::Case c = builder.build(op, "");
  const std::vector<float> y = row_of(c, run(c), op.out, 0);
  for (size_t i = 0; i < gate.size(); ++i) {
    const double g = gate[i];
    const double expected = 2 * g / (1 + std::exp(-g));
    // exp within 2 units, the reciprocal within 2, three more operations; below -70 exp ends.
    EXPECT_NEAR(y[i], expected, std::fabs(expected) * kUnit * 9 + 1e-28) << gate[i];
  }
}

class AttentionTest : public testing::TestWithParam<KvType> {};

// Softmax over the positions seen, in double, of keys and values as they were stored.
TEST_P(AttentionTest, IsSoftmaxOverTheVisiblePositions) {
  const KvType type = GetParam();
  const int32_t head_dim = 64;
  const int32_t heads = 4;
  const int32_t kv_heads = 2;
  for (const int32_t window : {0, 40}) {
    Random random(9);
    CaseBuilder builder(random, std::vector<conformance::SequenceRows>{{12, 1}, {520, 2}});
    const int32_t rows = builder.rows();
    const std::vector<float> q = random.floats(rows * heads * head_dim, Data::kNormal);
    Attention op;
    op.q = builder.input(heads * head_dim, q);
    op.cache = builder.cache(type, kv_heads, head_dim);
    builder.fill_cache(op.cache, random.floats(101 * head_dim, Data::kNormal));
    op.heads = heads;
    op.scale = 0.125f;
    op.window = window;
    op.out = builder.output(heads * head_dim);
    conformance::Case c = builder.build(op, "");
    const Outcome outcome = run(c);
    conformance::CaseCache& cache = c.caches[0];
    const reference::CacheView view{cache.bytes.data(), kv_heads, head_dim, type, cache.blocks};
    const auto read = [&](reference::KvPart part, int32_t row, int32_t head, int32_t p) {
      const int32_t block =
          c.step.block_tables[c.step.sequences[row] * c.step.blocks_per_sequence + p / kBlockPositions];
      std::vector<float> v(head_dim);
      load_vector(view, part, cache.bytes.data() + block * kv_block_bytes(type, kv_heads, head_dim), head,
                  p % kBlockPositions, v.data());
      return v;
    };
    for (int32_t r = 0; r < rows; ++r) {
      const std::vector<float> out = row_of(c, outcome, op.out, r);
      for (int32_t h = 0; h < heads; ++h) {
        const int32_t last = c.step.positions[r];
        const int32_t first = window > 0 ? std::max(0, last - window + 1) : 0;
        std::vector<double> expected(head_dim, 0.0);
        double sum = 0;
        double largest_score = 0;
        for (int32_t p = first; p <= last; ++p) {
          const std::vector<float> k = read(reference::KvPart::kKeys, r, h / 2, p);
          const std::vector<float> v = read(reference::KvPart::kValues, r, h / 2, p);
          double score = 0;
          double magnitude = 0;
          for (int32_t d = 0; d < head_dim; ++d) {
            const double term = static_cast<double>(q[(r * heads + h) * head_dim + d]) * op.scale * k[d];
            score += term;
            magnitude += std::fabs(term);
          }
          largest_score = std::max(largest_score, magnitude);
          const double e = std::exp(score);
          sum += e;
          for (int32_t d = 0; d < head_dim; ++d) expected[d] += e * v[d];
        }
        // A score is off by 66 units of its terms' magnitude, which exp turns into a relative error; twice,
        // for the maximum too. The sums add up to 521 terms one after another; values reach 5 standard
        // deviations.
        const double bound = kUnit * (2 * 66 * largest_score + 521 + 20) * 5;
        for (int32_t d = 0; d < head_dim; ++d) {
          ASSERT_NEAR(out[h * head_dim + d], expected[d] / sum, bound) << "row " << r << " head " << h;
        }
      }
    }
  }
}

std::string kv_name(const testing::TestParamInfo<KvType>& param) {
  return std::string(name(param.param));
}
INSTANTIATE_TEST_SUITE_P(Types, AttentionTest, testing::Values(KvType::kF16, KvType::kF32, KvType::kQ8_0),
                         kv_name);

// Where docs/layouts.md says that elements lie.
TEST(ReferenceOps, KvWritePlacesEveryElement) {
  const int32_t head_dim = 64;
  const int32_t kv_heads = 2;
  Random random(10);
  for (const KvType type : {KvType::kF16, KvType::kF32, KvType::kQ8_0}) {
    CaseBuilder builder(random, std::vector<conformance::SequenceRows>{{37, 1}});
    const std::vector<float> k = random.floats(kv_heads * head_dim, Data::kNormal);
    const std::vector<float> v = random.floats(kv_heads * head_dim, Data::kNormal);
    KvWrite op;
    op.k = builder.input(kv_heads * head_dim, k);
    op.v = builder.input(kv_heads * head_dim, v);
    op.cache = builder.cache(type, kv_heads, head_dim);
    const conformance::Case c = builder.build(op, "");
    const Outcome outcome = run(c);
    const int64_t slot = 37 - 32;
    const std::byte* block =
        outcome.caches[0].data() + c.step.block_tables[1] * kv_block_bytes(type, kv_heads, head_dim);
    const auto half = [](const std::byte* p) {
      uint16_t bits;
      std::memcpy(&bits, p, 2);
      return bits;
    };
    for (int64_t h = 0; h < kv_heads; ++h) {
      for (int64_t d = 0; d < head_dim; ++d) {
        const float key = k[h * head_dim + d];
        const float value = v[h * head_dim + d];
        const int64_t key_at = (h * head_dim + d) * 32 + slot;
        const int64_t value_at = kv_heads * head_dim * 32 + (h * 32 + slot) * head_dim + d;
        if (type == KvType::kF16) {
          ASSERT_EQ(half(block + 2 * key_at), float_to_half(key));
          ASSERT_EQ(half(block + 2 * value_at), float_to_half(value));
        } else if (type == KvType::kF32) {
          ASSERT_EQ(std::memcmp(block + 4 * key_at, &key, 4), 0);
          ASSERT_EQ(std::memcmp(block + 4 * value_at, &value, 4), 0);
        } else {
          const int64_t scales = head_dim / 32 * 32 * 2;
          const int64_t head_bytes = scales + head_dim * 32;
          const std::byte* keys = block + h * head_bytes;
          const std::byte* values = block + (kv_heads + h) * head_bytes;
          const float key_scale = half_to_float(half(keys + 2 * (d / 32 * 32 + slot)));
          const float value_scale = half_to_float(half(values + 2 * (slot * (head_dim / 32) + d / 32)));
          const auto key_q = static_cast<int8_t>(keys[scales + d * 32 + slot]);
          const auto value_q = static_cast<int8_t>(values[scales + slot * head_dim + d]);
          // Half a step, and 127 steps of the scale's own rounding to half.
          ASSERT_NEAR(key_q * key_scale, key, key_scale * (0.501 + 127 * 0x1p-11));
          ASSERT_NEAR(value_q * value_scale, value, value_scale * (0.501 + 127 * 0x1p-11));
        }
      }
    }
  }
}

}  // namespace
}  // namespace yoke
