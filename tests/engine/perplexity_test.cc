#include "engine/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "fake_runner.h"

namespace yoke {
namespace {

using testing::FakeRunner;

FakeRunner runner(int32_t rows, int32_t sequences) {
  return {{.rows = rows, .wanted = rows, .sequences = sequences, .blocks_per_sequence = 4, .rope_pairs = {}},
          16};
}

std::vector<int32_t> text(int32_t length) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < length; ++i) tokens.push_back(i * i % FakeRunner::kVocabulary);
  return tokens;
}

// By definition: -mean log p over predictions of positions N/2 + 1 to N - 1 of each whole chunk.
double by_definition(const std::vector<int32_t>& tokens, int32_t n, int64_t& scored) {
  double sum = 0;
  scored = 0;
  for (size_t c = 0; (c + 1) * n <= tokens.size(); ++c) {
    const std::span<const int32_t> chunk(tokens.data() + c * n, n);
    for (int32_t p = n / 2; p + 1 < n; ++p) {
      const int32_t likely = FakeRunner::next(chunk.first(p + 1));
      const double z = std::exp(5.0) + FakeRunner::kVocabulary - 1;
      sum -= std::log((chunk[p + 1] == likely ? std::exp(5.0) : 1.0) / z);
      ++scored;
    }
  }
  return std::exp(sum / static_cast<double>(scored));
}

TEST(Perplexity, IsWhatTheDefinitionSaysForAnyCutAndWidth) {
  const std::vector<int32_t> tokens = text(150);
  int64_t scored = 0;
  const double expected = by_definition(tokens, 32, scored);
  for (const int32_t rows : {1, 7, 64, 512}) {
    for (const int32_t parallel : {1, 3}) {
      if (rows < parallel) continue;
      FakeRunner r = runner(std::max(rows, parallel), parallel);
      const PerplexityResult result =
          perplexity(r, tokens, {.chunk_tokens = 32, .parallel = parallel, .step_rows = rows});
      EXPECT_NEAR(result.perplexity, expected, 1e-5 * expected);  // float logits against exact 5 and 0
      EXPECT_EQ(result.scored, scored);
      EXPECT_EQ(result.chunks, 4);
      EXPECT_EQ(result.last_logits.size(), static_cast<size_t>(FakeRunner::kVocabulary));
    }
  }
}

TEST(Perplexity, LogitsComeInOrderWithinAChunk) {
  const std::vector<int32_t> tokens = text(100);
  FakeRunner r = runner(12, 3);
  std::vector<int64_t> next = {0, 20, 40, 60, 80};
  perplexity(r, tokens,
             {.chunk_tokens = 20,
              .parallel = 3,
              .step_rows = 12,
              .on_logits = [&](int64_t position, std::span<const float> logits) {
                EXPECT_EQ(position, next[static_cast<size_t>(position / 20)]++);
                const int64_t chunk = position / 20 * 20;
                const int32_t likely =
                    FakeRunner::next(std::span(tokens).subspan(chunk, position - chunk + 1));
                EXPECT_EQ(logits[static_cast<size_t>(likely)], 5.0F);
              }});
  EXPECT_EQ(next, (std::vector<int64_t>{20, 40, 60, 80, 100}));
}

TEST(Perplexity, LogitsThatAreNoNumbersAreAnErrorThatNamesThePosition) {
  FakeRunner r = runner(64, 1);
  r.next_logit = std::nanf("");
  try {
    perplexity(r, text(64), {.chunk_tokens = 32});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kRuntime);
    EXPECT_NE(std::string(e.what()).find("position 16"), std::string::npos) << e.what();
  }
}

TEST(Perplexity, TooShortATextIsAnError) {
  FakeRunner r = runner(64, 1);
  EXPECT_THROW(perplexity(r, text(63), {.chunk_tokens = 32}), Error);
}

TEST(Divergence, OfTwoKnownDistributions) {
  Divergence d(2);
  const std::vector<float> p = {std::log(0.5F), std::log(0.25F), std::log(0.25F)};
  const std::vector<float> q = {1.0F, 1.0F, 1.0F};  // uniform
  d.add(1, p, q);
  d.add(0, p, p);
  const double kl = 0.5 * std::log(1.5) + 0.5 * std::log(0.75);
  EXPECT_NEAR(d.mean_kl(), kl / 2, 1e-6);
  EXPECT_NEAR(d.p99_kl(), kl, 1e-6);
  EXPECT_EQ(d.top1(), 1.0);
}

}  // namespace
}  // namespace yoke
