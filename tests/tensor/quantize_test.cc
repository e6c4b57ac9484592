// Quantizers beyond gguf's own: bounds, hostile values; and the activations' recipe.
#include "tensor/quantize.h"

#include <cmath>

#include "base/error.h"
#include "tensor/layout.h"
#include "tests_support.h"

namespace yoke {
namespace {

std::vector<float> round_trip(DType type, const std::vector<float>& x) {
  std::vector<std::byte> blocks(stored_bytes(type, 1, static_cast<int64_t>(x.size())));
  quantize(type, x.data(), static_cast<int64_t>(x.size()), blocks.data());
  std::vector<float> y(x.size());
  dequantize(type, blocks.data(), static_cast<int64_t>(x.size()), y.data());
  return y;
}

// Largest |x - y| that plain rounding may leave in a block, given the block's largest magnitude A and, for
// formats with minimums, its reach R = max(x) + max(-x, 0) <= 2 A.
//
// Signed codes with sub-scales (largest code -b, scales up to S in magnitude, D the block's scale):
//   D = A / (b S). A sub's ideal step s <= A / b is rounded to a multiple of D: off by D / 2, or by D where a
//   scale of the opposite sign meets the shorter end (31 of 32). Elements: half a step of rounding, a whole
//   one where the positive end of the codes is one shorter; b times the step's error at the far end.
//   bound = 1 * (s + D) + b * D, with s <= A / b:  A / b + D (b + 1).
// IQ4: the table's widest gap is 23 (half: 11.5) and its positive end 14 steps short: 14 (s + D) + 127 D.
// Minimums (largest code T, scales up to S): M = A / S, off by M / 2 at the bottom; D = (2 A + M) / (T S),
// the
//   step off by D / 2: half a step of rounding, T D / 2 at the far end, M / 2 at the bottom:
//   bound = (s + D) / 2 + T D / 2 + M / 2, with s <= (2 A + M) / T.
// The f16 scales are off by 2^-11 of themselves (2^-25 absolute where subnormal), multiplied by at most the
// largest code times the largest scale: a factor 1 + 2^-10 on A covers one, `tiny` the other.
double bound(DType type, double a) {
  const double reach = a * (1 + 0x1p-9);
  const auto tiny = [](double code, double scale) { return code * scale * 0x1p-24; };
  const auto signed_codes = [&](double b, double s) {
    return reach / b + reach / (b * s) * (b + 1) + a * 0x1p-10 + tiny(b, s);
  };
  const auto with_mins = [&](double top, double s) {
    const double m = reach / s;
    const double step = (2 * reach + m) / top;
    const double d = step / s;
    return (step + d) / 2 + top * d / 2 + m / 2 + 3 * a * 0x1p-10 + tiny(top, s) + tiny(1, s);
  };
  switch (type) {
    case DType::kQ2_K:
      return with_mins(3, 15);
    case DType::kQ4_K:
      return with_mins(15, 63);
    case DType::kQ5_K:
      return with_mins(31, 63);
    case DType::kQ3_K:
      return signed_codes(4, 32);
    case DType::kQ6_K:
      return signed_codes(32, 128);
    case DType::kIQ4_NL:
      return 14 * reach / 127 + a * 0x1p-10 + tiny(127, 1);
    case DType::kIQ4_XS: {
      const double d = reach / 127 / 32;
      return 14 * (reach / 127 + d) + 127 * d + a * 0x1p-10 + tiny(127, 32);
    }
    default:
      ADD_FAILURE() << "no bound for " << traits(type).name;
      return 0;
  }
}

const DType kBounded[] = {DType::kQ2_K, DType::kQ3_K,   DType::kQ4_K,  DType::kQ5_K,
                          DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS};

class BoundedTest : public testing::TestWithParam<DType> {};

TEST_P(BoundedTest, StaysWithinTheDerivedBound) {
  const DType type = GetParam();
  const int block = traits(type).block;
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> x(static_cast<size_t>(block));
  for (int trial = 0; trial < 400; ++trial) {
    const float magnitude = std::pow(10.0f, static_cast<float>(trial % 9) - 5);
    for (float& v : x) v = normal(random) * magnitude;
    if (trial % 4 == 1) x[random() % x.size()] *= 100;  // an outlier
    if (trial % 4 == 2) {
      for (float& v : x) v = std::fabs(v) + magnitude;  // all on one side
    }
    if (trial % 4 == 3) {
      for (float& v : x) v = -std::fabs(v);
    }
    double largest = 0;
    for (const float v : x) largest = std::max(largest, std::fabs(static_cast<double>(v)));
    const std::vector<float> y = round_trip(type, x);
    const double limit = bound(type, largest);
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_LE(std::fabs(static_cast<double>(x[i]) - y[i]), limit)
          << traits(type).name << " trial " << trial << " element " << i << ": " << x[i] << " -> " << y[i];
    }
  }
}

// Ordinary weights come out far better than the bound: a quantizer that wastes its codes is seen here. The
// error of a uniform quantizer with steps s is s / sqrt(12); a Gaussian sub-block of 16 or 32 reaches about 2
// standard deviations to each side, and sub-scales cost little: 2.2 * 2 / codes / sqrt(12), and half as much
// again for what the sub-scales and the uneven table of IQ4 cost.
TEST_P(BoundedTest, GaussianErrorIsThatOfItsBits) {
  const DType type = GetParam();
  double codes = 16;
  if (type == DType::kQ2_K) codes = 4;
  if (type == DType::kQ3_K) codes = 8;
  if (type == DType::kQ5_K) codes = 32;
  if (type == DType::kQ6_K) codes = 64;
  std::mt19937 random(12);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> x(256 * 64);
  for (float& v : x) v = normal(random);
  const std::vector<float> y = round_trip(type, x);
  double error = 0;
  double power = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += (x[i] - y[i]) * (x[i] - y[i]);
    power += x[i] * x[i];
  }
  EXPECT_LE(std::sqrt(error / power), 1.5 * 4.4 / codes / std::sqrt(12.0)) << traits(type).name;
}

INSTANTIATE_TEST_SUITE_P(Formats, BoundedTest, testing::ValuesIn(kBounded), format_name);

class HostileTest : public testing::TestWithParam<DType> {};

TEST_P(HostileTest, ZerosOfBothSignsStayZero) {
  for (const float zero : {0.0f, -0.0f}) {
    for (const float v : round_trip(GetParam(), std::vector<float>(256, zero))) ASSERT_EQ(v, 0.0f);
  }
}

TEST_P(HostileTest, TinyValuesComeBackFiniteAndTiny) {
  for (const float tiny : {0x1p-149f, 0x1p-126f, 1e-30f, 1e-9f}) {
    std::vector<float> x(256, tiny);
    x[7] = -tiny;
    for (const float v : round_trip(GetParam(), x)) ASSERT_LE(std::fabs(v), 0x1p-20f);
  }
}

TEST_P(HostileTest, HugeValuesAreKeptOrRefused) {
  for (const float huge : {60000.0f, 1e6f, 1e12f, 3e38f}) {
    std::vector<float> x(256, huge);
    x[100] = -huge;
    try {
      for (const float v : round_trip(GetParam(), x)) ASSERT_LE(std::fabs(v), huge * 1.2f);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kBadFile);
      EXPECT_GT(huge, 60000.0f);
      EXPECT_NE(std::string(e.what()).find(traits(GetParam()).name), std::string::npos) << e.what();
    }
  }
}

TEST_P(HostileTest, NonFiniteValuesAreRefused) {
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    std::vector<float> x(256, 1.0f);
    x[255] = bad;
    EXPECT_THROW(round_trip(GetParam(), x), Error);
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, HostileTest, testing::ValuesIn(format_list()), format_name);

struct Row {
  std::vector<std::byte> bytes;
  ActLayout layout;

  template <class T>
  T at(int64_t offset, int64_t i) const {
    T v;
    std::memcpy(&v, bytes.data() + offset + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    return v;
  }
};

Row quantized(ActFormat format, const std::vector<float>& x) {
  Row row;
  row.layout = act_layout(format, static_cast<int64_t>(x.size()));
  row.bytes.assign(row.layout.row_bytes, std::byte{0xCC});
  quantize_activations(format, x.data(), row.layout.k, row.bytes.data());
  return row;
}

class ActivationsTest : public testing::TestWithParam<ActFormat> {};

TEST_P(ActivationsTest, AreWithinHalfAStepAndCarryTheirSums) {
  const ActFormat format = GetParam();
  const int64_t block = format == ActFormat::kQ8x32 ? 32 : 256;
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const int64_t k : {block, 3 * block}) {
    std::vector<float> x(k);
    for (float& v : x) v = normal(random);
    x[k / 2] = 50;
    for (int64_t i = 0; i < 32; ++i) x[i] *= 1e-3f;
    const Row row = quantized(format, x);
    for (int64_t b = 0; b < k / block; ++b) {
      float amax = 0;
      for (int64_t i = 0; i < block; ++i) amax = std::max(amax, std::fabs(x[b * block + i]));
      const auto scale = row.at<float>(row.layout.scale_offset, b);
      EXPECT_FLOAT_EQ(scale, amax / 127);
      bool full = false;
      for (int64_t i = b * block; i < (b + 1) * block; ++i) {
        const int q = row.at<int8_t>(0, i);
        // Half a step, and what the reciprocal's last bits add to it at 127 steps.
        EXPECT_NEAR(static_cast<float>(q) * scale, x[i], scale * 0.5001f);
        full = full || std::abs(q) == 127;
      }
      EXPECT_TRUE(full);
    }
    const auto sum = [&](int64_t first, int64_t n) {
      int s = 0;
      for (int64_t i = first; i < first + n; ++i) s += row.at<int8_t>(0, i);
      return s;
    };
    for (int64_t g = 0; g < k / 32; ++g) {
      if (format == ActFormat::kQ8x32) {
        EXPECT_EQ(row.at<int32_t>(row.layout.sums_offset, g), sum(32 * g, 32));
      } else {
        EXPECT_EQ(row.at<int16_t>(row.layout.sums_offset, 2 * g), sum(32 * g, 16));
        EXPECT_EQ(row.at<int16_t>(row.layout.sums_offset, 2 * g + 1), sum(32 * g + 16, 16));
        EXPECT_EQ(row.at<int16_t>(row.layout.sums32_offset, g), sum(32 * g, 32));
      }
    }
    for (int64_t i = k; i < (k + 63) / 64 * 64; ++i) EXPECT_EQ(row.at<int8_t>(0, i), 0);
  }
}

TEST_P(ActivationsTest, ZerosAndTinyBlocksAreZero) {
  for (const float v : {0.0f, -0.0f, 0x1p-101f, -0x1p-149f}) {
    const Row row = quantized(GetParam(), std::vector<float>(256, v));
    EXPECT_EQ(row.at<float>(row.layout.scale_offset, 0), 0.0f);
    for (int64_t i = 0; i < 256; ++i) EXPECT_EQ(row.at<int8_t>(0, i), 0);
  }
  const Row row = quantized(GetParam(), std::vector<float>(256, 0x1p-100f));
  EXPECT_EQ(row.at<int8_t>(0, 0), 127);
}

TEST(Activations, Bf16RoundsToNearestEvenAndPadsWithAZero) {
  const Row row = quantized(ActFormat::kBF16, {1.0f, 1.00390625f, 1.01171875f, -3.0f, 0x1.8p-127f});
  const uint16_t expected[] = {0x3F80, 0x3F80, 0x3F82, 0xC040, 0, 0};
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(row.at<uint16_t>(0, i), expected[i]) << i;
}

std::string act_name(const testing::TestParamInfo<ActFormat>& param) {
  return std::string(name(param.param));
}
INSTANTIATE_TEST_SUITE_P(Formats, ActivationsTest, testing::Values(ActFormat::kQ8x32, ActFormat::kQ8x256),
                         act_name);

}  // namespace
}  // namespace yoke
