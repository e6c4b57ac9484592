// All 65536 halves, and rounding against a search for the nearest half done in exact arithmetic.
#include "tensor/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace yoke {
namespace {

// The value of a half by its definition; double holds it exactly.
double value_of(uint16_t h) {
  const int exponent = (h >> 10) & 31;
  const int mantissa = h & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return h & 0x8000 ? -magnitude : magnitude;
}

// Nearest half by bisection over the ordered patterns, ties to the even pattern.
uint16_t nearest_half(float f) {
  const uint16_t sign = std::signbit(f) ? 0x8000 : 0;
  const double a = std::fabs(static_cast<double>(f));
  if (std::isnan(f)) return static_cast<uint16_t>(sign | 0x7E00);
  if (a >= 65520.0) return static_cast<uint16_t>(sign | 0x7C00);
  uint16_t low = 0;  // the largest half not above a
  for (int bit = 14; bit >= 0; --bit) {
    const auto next = static_cast<uint16_t>(low | 1 << bit);
    if (next < 0x7C00 && value_of(next) <= a) low = next;
  }
  if (low == 0x7BFF) return static_cast<uint16_t>(sign | low);
  const auto high = static_cast<uint16_t>(low + 1);
  const double below = a - value_of(low);
  const double above = value_of(high) - a;
  const bool up = above < below || (above == below && (low & 1) == 1);
  return static_cast<uint16_t>(sign | (up ? high : low));
}

TEST(Half, EveryPatternConvertsExactlyAndBack) {
  for (uint32_t h = 0; h < 65536; ++h) {
    const auto bits = static_cast<uint16_t>(h);
    const float f = half_to_float(bits);
    if ((bits & 0x7C00) == 0x7C00) {
      EXPECT_EQ(std::isnan(f), (bits & 0x3FF) != 0) << h;
      if (std::isinf(f)) {
        EXPECT_EQ(std::signbit(f), (bits & 0x8000) != 0);
      }
    } else {
      ASSERT_EQ(static_cast<double>(f), value_of(bits)) << h;
      ASSERT_EQ(std::signbit(f), (bits & 0x8000) != 0) << h;
    }
    if (!std::isnan(f)) {
      ASSERT_EQ(float_to_half(f), bits) << h;
    } else {
      ASSERT_TRUE(std::isnan(half_to_float(float_to_half(f)))) << h;
    }
  }
}

TEST(Half, RoundsToNearestEven) {
  // Around every half: the midpoint to the next one, and its float neighbours on both sides.
  for (uint32_t h = 0; h < 0x7C00; ++h) {
    const double next = h == 0x7BFF ? 65536.0 : value_of(static_cast<uint16_t>(h + 1));
    const auto middle = static_cast<float>((value_of(static_cast<uint16_t>(h)) + next) / 2);
    for (const float f : {middle, std::nextafterf(middle, 0), std::nextafterf(middle, INFINITY)}) {
      ASSERT_EQ(float_to_half(f), nearest_half(f)) << f;
      ASSERT_EQ(float_to_half(-f), nearest_half(-f)) << -f;
    }
  }
  std::mt19937 random(1);
  for (int i = 0; i < 300000; ++i) {
    const float f = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isnan(f)) continue;
    ASSERT_EQ(float_to_half(f), nearest_half(f)) << f;
  }
}

TEST(Half, NanKeepsItsSignAndStaysQuiet) {
  for (const uint32_t bits : {0x7F800001u, 0xFF800001u, 0x7FC00000u, 0xFFFFFFFFu}) {
    const uint16_t h = float_to_half(std::bit_cast<float>(bits));
    EXPECT_EQ(h & 0x7E00, 0x7E00);
    EXPECT_EQ(h >> 15, bits >> 31);
    const uint16_t b = float_to_bf16(std::bit_cast<float>(bits));
    EXPECT_EQ(b & 0x7FC0, 0x7FC0);
    EXPECT_EQ(b >> 15, bits >> 31);
  }
}

TEST(Bf16, EveryPatternConvertsExactlyAndRoundsToNearestEven) {
  for (uint32_t b = 0; b < 65536; ++b) {
    const auto bits = static_cast<uint16_t>(b);
    const float f = bf16_to_float(bits);
    ASSERT_EQ(std::bit_cast<uint32_t>(f), b << 16);
    if (std::isnan(f)) continue;
    ASSERT_EQ(float_to_bf16(f), bits);
    if (std::isinf(f)) continue;
    const auto with = [&](uint32_t low) { return std::bit_cast<float>(b << 16 | low); };
    const auto up = static_cast<uint16_t>(b + 1);
    EXPECT_EQ(float_to_bf16(with(0x7FFF)), bits);
    EXPECT_EQ(float_to_bf16(with(0x8000)), (b & 1) == 0 ? bits : up);  // a tie
    EXPECT_EQ(float_to_bf16(with(0x8001)), up);
  }
}

}  // namespace
}  // namespace yoke
