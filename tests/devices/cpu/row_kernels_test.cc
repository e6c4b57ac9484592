// Each instruction set's row-wise kernels against the scalar recipe, bit for bit, over sizes with remainders.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

#include "devices/cpu/kernels/op_kernels.h"
#include "kernel_tables.h"
#include "ops/recipe.h"
#include "tensor/half.h"
#include "tensor/layout.h"
#include "tensor/quantize.h"

namespace yoke::cpu {
namespace {

class RowKernels : public testing::TestWithParam<OpTable> {
 protected:
  const OpKernels& k() const { return *GetParam().ops; }
};

constexpr int kSizes[] = {1, 2, 15, 16, 17, 31, 63, 64, 65, 100, 127, 128, 576, 577, 1000, 2048};

QuantizedRow row_of(std::byte* row, const ActLayout& layout) {
  return {reinterpret_cast<int8_t*>(row), reinterpret_cast<float*>(row + layout.scale_offset),
          row + layout.sums_offset, reinterpret_cast<int16_t*>(row + layout.sums32_offset)};
}

TEST_P(RowKernels, QuantizedActivationsEqualTheRecipe) {
  for (const ActFormat format : {ActFormat::kQ8x32, ActFormat::kQ8x256}) {
    const int block = format == ActFormat::kQ8x32 ? 32 : 256;
    for (const int blocks : {1, 2, 3, 15, 16, 17, 33}) {
      const int64_t n = int64_t{block} * blocks;
      std::vector<float> x =
          random_floats(n, 7 + blocks, std::pow(10.0f, static_cast<float>(blocks % 7 - 3)));
      // A block of zeros, one of next to nothing, one whose greatest is at the end.
      if (blocks > 2) {
        std::fill(x.begin(), x.begin() + block, 0.0f);
        std::fill(x.begin() + block, x.begin() + 2 * block, 0x1p-110f);
        x[n - 1] = -1e4f;
      }
      const ActLayout layout = act_layout(format, n);
      std::vector<std::byte> expected(layout.row_bytes);
      std::vector<std::byte> got(layout.row_bytes);
      quantize_activations(format, x.data(), n, expected.data());
      const QuantizedRow row = row_of(got.data(), layout);
      (format == ActFormat::kQ8x32 ? k().quantize_q8x32 : k().quantize_q8x256)(x.data(), n, row);
      ASSERT_EQ(std::memcmp(got.data(), expected.data(), got.size()), 0) << name(format) << " " << n;
    }
  }
}

TEST_P(RowKernels, Bf16ActivationsEqualTheRecipe) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  // Ties to even on both sides, the largest, what overflows, what is too small, no numbers.
  const float odd[] = {1.00390625f,
                       1.01171875f,
                       -1.00390625f,
                       0x1.FEp127f,
                       0x1.FFp127f,
                       0x1p-126f,
                       0x1.FFFFFCp-127f,
                       -0x1p-149f,
                       0.0f,
                       -0.0f,
                       kInfinity,
                       -kInfinity,
                       std::numeric_limits<float>::quiet_NaN()};
  for (const int n : kSizes) {
    std::vector<float> x = random_floats(n, 11 * n);
    for (size_t i = 0; i < x.size(); i += 3) x[i] = odd[i / 3 % std::size(odd)];
    const ActLayout layout = act_layout(ActFormat::kBF16, n);
    std::vector<std::byte> expected(layout.row_bytes);
    std::vector<std::byte> got(layout.row_bytes);
    quantize_activations(ActFormat::kBF16, x.data(), n, expected.data());
    k().round_bf16(x.data(), n, reinterpret_cast<uint16_t*>(got.data()));
    ASSERT_EQ(std::memcmp(got.data(), expected.data(), got.size()), 0) << n;
  }
}

TEST_P(RowKernels, RmsNorm) {
  for (const int n : kSizes) {
    const std::vector<float> x = random_floats(n, n);
    const std::vector<float> w = random_floats(n, n + 1);
    const float inv_n = 1.0f / static_cast<float>(n);
    float p[recipe::kPartialSums] = {};
    for (int i = 0; i < n; ++i) p[i % 64] = p[i % 64] + x[i] * x[i];
    const float factor = recipe::rsqrt(recipe::tree(p, 64) * inv_n + 1e-5f);
    const float got = k().rms_factor(x.data(), n, inv_n, 1e-5f);
    ASSERT_EQ(bits_of(got), bits_of(factor)) << n;
    std::vector<float> expected(n);
    std::vector<float> y(n);
    for (int i = 0; i < n; ++i) expected[i] = (x[i] * factor) * w[i];
    k().scale_rows(x.data(), factor, w.data(), n, y.data());
    expect_same_bits(y, expected, "scale_rows " + std::to_string(n));
  }
}

TEST_P(RowKernels, GateAndAdd) {
  for (const int n : kSizes) {
    std::vector<float> gate = random_floats(n, 3 * n, 4.0f);
    if (n > 2) gate[0] = -200.0f, gate[1] = 200.0f, gate[2] = -0.0f;
    const std::vector<float> up = random_floats(n, 5 * n);
    std::vector<float> expected(n);
    std::vector<float> got(n);
    for (int i = 0; i < n; ++i) expected[i] = recipe::silu(gate[i]) * up[i];
    k().gated_mul(gate.data(), up.data(), n, got.data());
    expect_same_bits(got, expected, "gated_mul " + std::to_string(n));
    for (int i = 0; i < n; ++i) expected[i] = gate[i] + up[i];
    k().add(gate.data(), up.data(), n, got.data());
    expect_same_bits(got, expected, "add " + std::to_string(n));
  }
}

std::vector<float> rope_by_recipe(const RopeArgs& a, const std::vector<float>& input) {
  std::vector<float> out = input;
  for (int h = 0; h < a.heads; ++h) {
    float* const x = out.data() + static_cast<int64_t>(h) * a.head_dim;
    if (a.norm != nullptr) {
      float p[64] = {};
      for (int i = 0; i < a.head_dim; ++i) p[i % 64] = p[i % 64] + x[i] * x[i];
      const float r = recipe::rsqrt(recipe::tree(p, 64) * a.inv_head_dim + a.eps);
      for (int i = 0; i < a.head_dim; ++i) x[i] = (x[i] * r) * a.norm[i];
    }
    for (int i = 0; i < a.rotated / 2; ++i) {
      float& first = a.halves ? x[i] : x[2 * i];
      float& second = a.halves ? x[i + a.rotated / 2] : x[2 * i + 1];
      const float c = a.cos_sin[2 * i];
      const float s = a.cos_sin[2 * i + 1];
      const float x0 = first;
      const float x1 = second;
      first = x0 * c - x1 * s;
      second = x0 * s + x1 * c;
    }
  }
  return out;
}

TEST_P(RowKernels, HeadNormRope) {
  for (const int head_dim : {8, 32, 64, 80, 96, 128, 250}) {
    for (const int rotated : {head_dim, head_dim / 2 / 2 * 2, 2}) {
      for (const bool halves : {false, true}) {
        for (const bool norm : {false, true}) {
          const int heads = 3;
          const std::vector<float> x = random_floats(heads * head_dim, head_dim + rotated);
          const std::vector<float> w = random_floats(head_dim, head_dim);
          std::vector<float> cos_sin(rotated);
          for (int i = 0; i < rotated; i += 2) {
            cos_sin[i] = std::cos(static_cast<float>(i) * 0.37f + 1);
            cos_sin[i + 1] = std::sin(static_cast<float>(i) * 0.37f + 1);
          }
          RopeArgs a{};
          a.norm = norm ? w.data() : nullptr;
          a.cos_sin = cos_sin.data();
          a.eps = 1e-6f;
          a.inv_head_dim = 1.0f / static_cast<float>(head_dim);
          a.heads = heads;
          a.head_dim = head_dim;
          a.rotated = rotated;
          a.halves = halves;
          const std::string what = std::to_string(head_dim) + "/" + std::to_string(rotated) +
                                   (halves ? " halves" : " adjacent") + (norm ? " norm" : "");
          std::vector<float> out(x.size());
          a.x = x.data();
          a.out = out.data();
          k().head_norm_rope(a);
          expect_same_bits(out, rope_by_recipe(a, x), what);
          std::vector<float> in_place = x;
          a.x = a.out = in_place.data();
          k().head_norm_rope(a);
          expect_same_bits(in_place, out, what + " in place");
        }
      }
    }
  }
}

TEST_P(RowKernels, KvWriteStoresHalvesAsTheRecipeRounds) {
  const int head_dim = 72;
  std::vector<float> kv = random_floats(2 * 2 * head_dim, 11);
  kv[0] = 1e6f, kv[1] = 3e-8f, kv[2] = -65519.0f, kv[3] = 6.1e-5f, kv[4] = -1e-9f, kv[5] = 2049.0f;
  std::vector<uint16_t> block(2 * 2 * head_dim * 32);
  const KvWriteArgs args{.k = kv.data(),
                         .v = kv.data() + 2 * head_dim,
                         .block = reinterpret_cast<std::byte*>(block.data()),
                         .v_offset = 2 * head_dim * 64,
                         .slot = 21,
                         .head_dim = head_dim,
                         .head_begin = 0,
                         .head_end = 2};
  k().kv_write[static_cast<int>(KvFormat::kF16)](args);
  for (int h = 0; h < 2; ++h) {
    for (int d = 0; d < head_dim; ++d) {
      ASSERT_EQ(block[(h * head_dim + d) * 32 + 21], float_to_half(kv[h * head_dim + d])) << d;
      ASSERT_EQ(block[2 * head_dim * 32 + (h * 32 + 21) * head_dim + d],
                float_to_half(kv[(2 + h) * head_dim + d]))
          << d;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, RowKernels, testing::ValuesIn(op_tables()),
                         [](const auto& table) { return table.param.isa; });

}  // namespace
}  // namespace yoke::cpu
