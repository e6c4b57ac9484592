// The recipe's own functions against the C library in double: what docs/numerics.md promises of them.
#include "base/recipe.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace yoke {
namespace {

// In units in the last place of the float nearest to `exact`.
double ulps(float got, double exact) {
  const int exponent = std::ilogb(exact);
  return std::fabs(got - exact) / std::ldexp(1.0, exponent - 23);
}

TEST(Recipe, ExpIsWithinTwoUlps) {
  for (int i = -86999; i <= 86999; i += 7) {
    const float x = static_cast<float>(i) * 1e-3f;
    ASSERT_LE(ulps(recipe::exp(x), std::exp(static_cast<double>(x))), 2.0) << x;
  }
  EXPECT_EQ(recipe::exp(0.0f), 1.0f);
  EXPECT_EQ(recipe::exp(-1e30f), recipe::exp(-87.0f));
  EXPECT_EQ(recipe::exp(1e30f), recipe::exp(87.0f));
}

TEST(Recipe, ReciprocalAndRootAreWithinTwoUlps) {
  for (int exponent = -119; exponent < 120; ++exponent) {
    for (int i = 0; i < 200; ++i) {
      const float a = std::ldexp(1.0f + static_cast<float>(i) / 200, exponent);
      ASSERT_LE(ulps(recipe::recip(a), 1 / static_cast<double>(a)), 2.0) << a;
      ASSERT_LE(ulps(recipe::rsqrt(a), 1 / std::sqrt(static_cast<double>(a))), 2.0) << a;
    }
  }
}

TEST(Recipe, SiluFarFromZeroAndOfWhatIsNoNumber) {
  EXPECT_EQ(recipe::silu(-140.0f), 2 * recipe::silu(-70.0f));
  EXPECT_LT(std::fabs(recipe::silu(-70.0f)), 1e-28f);
  EXPECT_LT(std::fabs(recipe::silu(-65504.0f)), 1e-25f);
  EXPECT_TRUE(std::isnan(recipe::silu(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_EQ(recipe::silu(1e30f), 1e30f);
}

#if defined(__SSE2__)
// What a GPU does that flushes subnormal operands and results: the same bits of every normal result.
TEST(Recipe, FlushingSubnormalsDoesNotShow) {
  using Function = float (*)(float);
  const Function silu = [](float x) { return recipe::silu(x); };
  const Function exp = [](float x) { return recipe::exp(x); };
  const Function recip = [](float x) { return recipe::recip(x); };
  const auto flushed = [](Function f, float x) {
    volatile Function call = f;  // stays between the two lines below
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);  // results and operands
    const volatile float y = call(x);
    _mm_setcsr(before);
    return y;
  };
  const auto same = [&](Function f, float x) {
    const float kept = f(x);
    return std::bit_cast<uint32_t>(kept) == std::bit_cast<uint32_t>(flushed(f, x));
  };
  for (int i = -400'000; i <= 400'000; ++i) {
    const float x = static_cast<float>(i) * 3.1e-4f;
    ASSERT_TRUE(same(silu, x)) << x;
    ASSERT_TRUE(same(exp, x)) << x;
  }
  for (int exponent = -119; exponent <= 100; ++exponent) {
    for (int i = 0; i < 400; ++i) {
      const float a = std::ldexp(1.0f + static_cast<float>(i) / 400, exponent);
      ASSERT_TRUE(same(recip, a)) << a;
    }
  }
  EXPECT_FALSE(same(recip, 0x1.3p119f)) << "the flush is real";
}
#endif

TEST(Recipe, RoundIsToNearestEven) {
  for (int i = -4000; i <= 4000; ++i) {
    const float x = static_cast<float>(i) / 16;
    ASSERT_EQ(recipe::round(x), std::nearbyint(x)) << x;
  }
}

TEST(Recipe, PiecesJoinLikeABinaryCounter) {
  const float big = 0x1p24f;
  recipe::PieceTree tree;
  // ((big + 1) + (1 + 1)) + 1: the first one is lost, the pair survives, the last ties to even. One by one,
  // all would be lost.
  for (const float x : {big, 1.0f, 1.0f, 1.0f, 1.0f}) tree.push(x);
  EXPECT_EQ(tree.result(), ((big + 1.0f) + (1.0f + 1.0f)) + 1.0f);
  EXPECT_EQ(tree.result(), big + 4.0f);
}

TEST(Recipe, TheTreeAddsHalves) {
  float p[4] = {0x1p24f, 1, 1, 1};
  // (p0 + p2) + (p1 + p3)
  EXPECT_EQ(recipe::tree(p, 4), 0x1p24f + 2.0f);
}

}  // namespace
}  // namespace yoke
