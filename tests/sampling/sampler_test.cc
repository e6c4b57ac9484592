#include "sampling/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>

#include "base/error.h"

namespace yoke {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_logits(size_t n, unsigned seed, float spread) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> logits(n);
  for (float& x : logits) x = normal(random);
  return logits;
}

// The definition, with a full sort and long double: the probability of each token.
std::vector<double> definition(const std::vector<float>& logits, const SamplingParams& p) {
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  if (p.top_k > 0) order.resize(std::min(order.size(), static_cast<size_t>(p.top_k)));
  const auto weight = [&](size_t i, double temperature) {
    return std::exp((static_cast<double>(logits[i]) - static_cast<double>(logits[order[0]])) / temperature);
  };
  const auto sum = [&](double temperature) {
    double s = 0;
    for (const size_t i : order) s += weight(i, temperature);
    return s;
  };
  const double total = sum(1);
  double reached = 0;
  for (size_t kept = 0; kept < order.size(); ++kept) {
    reached += weight(order[kept], 1) / total;
    if (reached >= static_cast<double>(p.top_p)) {
      order.resize(kept + 1);
      break;
    }
  }
  std::erase_if(order, [&](size_t i) { return weight(i, 1) < static_cast<double>(p.min_p); });
  std::vector<double> probability(logits.size(), 0);
  for (const size_t i : order) {
    probability[i] = weight(i, static_cast<double>(p.temperature)) / sum(static_cast<double>(p.temperature));
  }
  return probability;
}

// A frequency over n draws has standard deviation sqrt(p (1 - p) / n). Six of them, for every token of the
// test, are exceeded by chance once in 10^8; 1e-6 allows for float exponentials (1 ULP each).
void expect_distribution(const std::vector<float>& logits, const SamplingParams& params) {
  const std::vector<double> wanted = definition(logits, params);
  constexpr int kDraws = 60000;
  Sampler sampler(params);
  std::vector<int> seen(logits.size(), 0);
  for (int i = 0; i < kDraws; ++i) ++seen[static_cast<size_t>(sampler.sample(logits))];
  for (size_t t = 0; t < logits.size(); ++t) {
    const double p = wanted[t];
    const double bound = p == 0 ? 0 : 6 * std::sqrt(p * (1 - p) / kDraws) + 1e-6 + 1.0 / kDraws;
    ASSERT_NEAR(seen[t] / static_cast<double>(kDraws), p, bound) << "token " << t;
  }
}

TEST(Sampler, FollowsTheDefinedDistribution) {
  const auto logits = random_logits(50, 3, 2.0f);
  expect_distribution(logits, {.temperature = 1, .seed = 1});
  expect_distribution(logits, {.temperature = 0.5f, .seed = 2});
  expect_distribution(logits, {.temperature = 1.7f, .top_k = 7, .seed = 3});
  expect_distribution(logits, {.temperature = 1, .top_p = 0.8f, .seed = 4});
  expect_distribution(logits, {.temperature = 1, .min_p = 0.1f, .seed = 5});
  expect_distribution(logits, {.temperature = 1.2f, .top_k = 20, .top_p = 0.9f, .min_p = 0.05f, .seed = 6});
  expect_distribution(logits, {.temperature = 1, .top_k = 500, .seed = 7});
}

TEST(Sampler, TopPSortsInSeveralSteps) {
  // Nearly flat: 0.7 of the mass takes about 1,400 of 2,000 tokens, three rounds of sorting.
  const auto logits = random_logits(2000, 4, 0.1f);
  const SamplingParams params{.temperature = 1, .top_p = 0.7f, .seed = 8};
  const auto wanted = definition(logits, params);
  Sampler sampler(params);
  for (int i = 0; i < 3000; ++i) {
    const auto token = static_cast<size_t>(sampler.sample(logits));
    ASSERT_GT(wanted[token], 0) << "outside the top-p set";
  }
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  // Probabilities 1/2, 1/4, 1/8, 1/8.
  const std::vector<float> logits = {std::log(4.0f), std::log(2.0f), 0.0f, 0.0f};
  const auto tokens = [&](float top_p) {
    Sampler sampler({.temperature = 1, .top_p = top_p, .seed = 1});
    std::map<int32_t, int> seen;
    for (int i = 0; i < 400; ++i) ++seen[sampler.sample(logits)];
    return seen.size();
  };
  EXPECT_EQ(tokens(0.01f), 1u);
  EXPECT_EQ(tokens(0.49f), 1u);
  EXPECT_EQ(tokens(0.6f), 2u);
  EXPECT_EQ(tokens(0.8f), 3u);
  EXPECT_EQ(tokens(0.99f), 4u);
}

TEST(Sampler, GreedyTakesTheFirstOfTheLargest) {
  for (size_t n : {1u, 2u, 15u, 16u, 17u, 33u, 1000u}) {
    auto logits = random_logits(n, static_cast<unsigned>(n), 1);
    Sampler sampler({.temperature = 0});
    const auto largest = std::max_element(logits.begin(), logits.end());  // the first of equals
    EXPECT_EQ(sampler.sample(logits), largest - logits.begin());
    const float value = *largest;
    logits[n - 1] = value;
    logits[n / 2] = value;
    EXPECT_EQ(most_likely(logits), std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
  EXPECT_EQ(most_likely(std::vector<float>{-kInfinity, -3, -3}), 1);
}

TEST(Sampler, TiesAtTheEdgeOfTopKGoToTheLowerToken) {
  const std::vector<float> logits = {1, 5, 1, 1, 5, 1};
  Sampler sampler({.temperature = 1, .top_k = 3, .seed = 9});
  std::map<int32_t, int> seen;
  for (int i = 0; i < 3000; ++i) ++seen[sampler.sample(logits)];
  EXPECT_TRUE(seen.count(0));
  EXPECT_FALSE(seen.count(2) || seen.count(3) || seen.count(5));
}

TEST(Sampler, ASeedChoosesTheSameTokensAgainAndACopyContinuesAlike) {
  const auto logits = random_logits(1000, 5, 1);
  const auto run = [&](uint64_t seed) {
    Sampler sampler({.temperature = 1, .seed = seed});
    std::vector<int32_t> tokens;
    for (int i = 0; i < 50; ++i) tokens.push_back(sampler.sample(logits));
    return tokens;
  };
  EXPECT_EQ(run(42), run(42));
  EXPECT_NE(run(42), run(43));
  Sampler one({.temperature = 1, .seed = 1});
  for (int i = 0; i < 10; ++i) one.sample(logits);
  Sampler two = one;
  for (int i = 0; i < 20; ++i) ASSERT_EQ(one.sample(logits), two.sample(logits));
}

// Values of the published SplitMix64 for seed 1234567.
TEST(Random, IsSplitMix64) {
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
  for (int i = 0; i < 1000; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
  }
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  for (const size_t n : {5u, 40u}) {
    for (const float temperature : {0.0f, 1.0f}) {
      std::vector<float> logits(n, 1);
      Sampler sampler({.temperature = temperature});
      logits[3] = kNan;
      EXPECT_THROW(sampler.sample(logits), Error);
      logits[3] = kInfinity;
      EXPECT_THROW(sampler.sample(logits), Error);
      std::fill(logits.begin(), logits.end(), -kInfinity);
      EXPECT_THROW(sampler.sample(logits), Error);
      logits[n - 1] = -5;
      EXPECT_EQ(sampler.sample(logits), static_cast<int32_t>(n) - 1);
    }
  }
  EXPECT_THROW(most_likely({}), Error);
}

TEST(Sampler, ExtremeTemperaturesStayWellDefined) {
  const std::vector<float> logits = {1, 3, 2.9f, -1e30f};
  Sampler cold({.temperature = 1e-40f});
  for (int i = 0; i < 100; ++i) ASSERT_EQ(cold.sample(logits), 1);
  Sampler hot({.temperature = 1e30f, .seed = 3});
  std::map<int32_t, int> seen;
  for (int i = 0; i < 1000; ++i) ++seen[hot.sample(logits)];
  EXPECT_EQ(seen.size(), 4u);
}

TEST(Sampler, RefusesOptionsOutOfRange) {
  const auto refused = [](SamplingParams p) {
    try {
      Sampler sampler(p);
    } catch (const Error& e) {
      return e.kind() == ErrorKind::kUsage;
    }
    return false;
  };
  EXPECT_TRUE(refused({.temperature = -1}));
  EXPECT_TRUE(refused({.temperature = kNan}));
  EXPECT_TRUE(refused({.top_k = -1}));
  EXPECT_TRUE(refused({.top_p = 0}));
  EXPECT_TRUE(refused({.top_p = 1.1f}));
  EXPECT_TRUE(refused({.min_p = -0.1f}));
  EXPECT_TRUE(refused({.penalties = {.repeat = 0}}));
  EXPECT_TRUE(refused({.penalties = {.presence = kNan}}));
  EXPECT_FALSE(refused({}));
}

TEST(Penalties, FollowTheirDefinition) {
  Penalties penalties({.repeat = 2, .presence = 0.25f, .frequency = 0.5f, .window = 4});
  for (const int32_t token : {0, 1, 1, 2, 1}) penalties.accept(token);  // 0 has left the window
  std::vector<float> logits = {4, 4, -4, 4};
  penalties.apply(logits);
  EXPECT_EQ(logits, (std::vector<float>{4, 4 / 2.0f - 3 * 0.5f - 0.25f, -4 * 2.0f - 0.5f - 0.25f, 4}));
}

TEST(Penalties, AnUnboundedWindowForgetsNothingAndNoneCountsNothing) {
  Penalties all({.presence = 1, .window = -1});
  for (int32_t t = 0; t < 300; ++t) all.accept(t % 2);
  std::vector<float> logits = {0, 0, 0};
  all.apply(logits);
  EXPECT_EQ(logits, (std::vector<float>{-1, -1, 0}));
  Penalties none({.presence = 1, .window = 0});
  none.accept(1);
  EXPECT_TRUE(none.off());
}

TEST(Penalties, ChangeTheGreedyChoice) {
  Sampler sampler({.penalties = {.repeat = 1.5f}});
  const std::vector<float> logits = {3, 2.5f, 1};
  EXPECT_EQ(sampler.sample(logits), 0);
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(logits), 1);
  sampler.accept(1000000);  // not in this row: no harm
  EXPECT_EQ(sampler.sample(logits), 1);
}

}  // namespace
}  // namespace yoke
