#include "engine/engine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "fake_runner.h"

namespace yoke {
namespace {

using testing::FakeRunner;

StepLimits limits(int32_t rows, int32_t sequences) {
  return {
      .rows = rows, .wanted = sequences, .sequences = sequences, .blocks_per_sequence = 8, .rope_pairs = {}};
}

std::vector<int32_t> prompt(int32_t seed, int32_t length) {
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < length; ++i) tokens.push_back((seed * 31 + i * 7) % FakeRunner::kVocabulary);
  return tokens;
}

std::vector<int32_t> expected(std::vector<int32_t> tokens, int32_t count) {
  std::vector<int32_t> made;
  for (int32_t i = 0; i < count; ++i) {
    made.push_back(FakeRunner::next(tokens));
    tokens.push_back(made.back());
  }
  return made;
}

TEST(Engine, AnswersOneRequestInChunks) {
  FakeRunner runner(limits(16, 1), 8);
  Engine engine(runner, {.step_rows = 16, .context = 256});
  const Answer answer = engine.run({.prompt = prompt(1, 50), .most_tokens = 20});
  EXPECT_EQ(answer.tokens, expected(prompt(1, 50), 20));
  EXPECT_EQ(answer.reason, FinishReason::kLength);
  EXPECT_EQ(runner.steps, 4 + 19);
  EXPECT_EQ(runner.pool().free_blocks(), 8);
}

TEST(Engine, ManyRequestsShareStepsAndGetTheirOwnAnswers) {
  FakeRunner runner(limits(24, 3), 24);
  Engine engine(runner, {.step_rows = 24, .context = 256});
  std::vector<Engine::RequestId> ids;
  for (int32_t r = 0; r < 7; ++r)
    ids.push_back(engine.submit({.prompt = prompt(r, 10 + 13 * r), .most_tokens = 5 + r}));
  while (engine.step()) {
  }
  for (int32_t r = 0; r < 7; ++r) {
    const std::optional<Answer> answer = engine.take(ids[static_cast<size_t>(r)]);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->tokens, expected(prompt(r, 10 + 13 * r), 5 + r)) << r;
  }
  EXPECT_GT(runner.most_rows, 1);
  EXPECT_EQ(runner.pool().free_blocks(), 24);
}

TEST(Engine, RequestsWaitForCacheBlocks) {
  FakeRunner runner(limits(64, 4), 3);  // 96 positions in all
  Engine engine(runner, {.step_rows = 64, .context = 96});
  std::vector<Engine::RequestId> ids;
  for (int32_t r = 0; r < 3; ++r) ids.push_back(engine.submit({.prompt = prompt(r, 40), .most_tokens = 10}));
  while (engine.step()) {
  }
  for (int32_t r = 0; r < 3; ++r)
    EXPECT_EQ(engine.take(ids[static_cast<size_t>(r)])->tokens, expected(prompt(r, 40), 10));
}

TEST(Engine, EndTokensStopAndAreNotPartOfTheAnswer) {
  FakeRunner runner(limits(64, 1), 8);
  Engine engine(runner, {.step_rows = 64, .context = 256});
  const auto all = expected(prompt(3, 12), 40);
  const int32_t end = all[6];
  const auto first = std::ranges::find(all, end) - all.begin();
  const Answer answer = engine.run({.prompt = prompt(3, 12), .end_tokens = {end}});
  EXPECT_EQ(answer.reason, FinishReason::kStop);
  EXPECT_EQ(answer.tokens, std::vector<int32_t>(all.begin(), all.begin() + first));
}

TEST(Engine, AFullContextEndsWithLength) {
  FakeRunner runner(limits(64, 1), 2);
  Engine engine(runner, {.step_rows = 64, .context = 64});
  const Answer answer = engine.run({.prompt = prompt(4, 60)});
  EXPECT_EQ(answer.reason, FinishReason::kLength);
  EXPECT_EQ(answer.tokens, expected(prompt(4, 60), 5));  // the last one needs no room of its own
}

TEST(Engine, CallbackCancels) {
  FakeRunner runner(limits(64, 1), 8);
  Engine engine(runner, {.step_rows = 64, .context = 256});
  int32_t told = 0;
  const Answer answer = engine.run(
      {.prompt = prompt(5, 9), .most_tokens = 50, .on_token = [&](int32_t) { return ++told < 4; }});
  EXPECT_EQ(answer.reason, FinishReason::kCancelled);
  EXPECT_EQ(answer.tokens, expected(prompt(5, 9), 4));
}

TEST(Engine, AConversationReusesItsCache) {
  FakeRunner runner(limits(64, 1), 8);
  Engine engine(runner, {.step_rows = 64, .context = 256});
  std::vector<int32_t> tokens = prompt(6, 40);
  const Answer first = engine.run({.prompt = tokens, .most_tokens = 10, .keep_cache = true});
  tokens.insert(tokens.end(), first.tokens.begin(), first.tokens.end());
  for (const int32_t t : prompt(7, 8)) tokens.push_back(t);
  const Answer second = engine.run({.prompt = tokens, .most_tokens = 10, .keep_cache = true});
  EXPECT_EQ(second.tokens, expected(tokens, 10));
  EXPECT_EQ(second.reused_tokens, 49);  // all but the answer's last token, which was never computed
  // Another conversation shares only its beginning.
  std::vector<int32_t> other(tokens.begin(), tokens.begin() + 20);
  other.push_back((tokens[20] + 1) % FakeRunner::kVocabulary);
  const Answer third = engine.run({.prompt = other, .most_tokens = 6, .keep_cache = true});
  EXPECT_EQ(third.tokens, expected(other, 6));
  EXPECT_EQ(third.reused_tokens, 20);
}

TEST(Engine, RefusesWhatCanNeverFit) {
  FakeRunner runner(limits(64, 1), 8);
  Engine engine(runner, {.step_rows = 64, .context = 64});
  EXPECT_THROW(engine.submit({.prompt = prompt(1, 65)}), Error);
  EXPECT_THROW(engine.submit({.prompt = {}}), Error);
}

TEST(Scheduler, GeneratingRowsComeFirstThenPromptsInOrder) {
  const std::vector<SequenceState> states = {{100, false}, {1, true}, {30, false}, {1, true}};
  const auto spans = schedule(states, {.rows = 40, .wanted = 8, .sequences = 8});
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[0].sequence, 1);
  EXPECT_EQ(spans[1].sequence, 3);
  EXPECT_EQ(spans[2].sequence, 0);
  EXPECT_EQ(spans[2].tokens, 38);
}

TEST(Scheduler, NobodyStarvesWhereRowsAreShort) {
  const std::vector<SequenceState> states(5, SequenceState{1, true});
  std::set<int32_t> served;
  for (int32_t step = 0; step < 5; ++step) {
    for (const auto& span : schedule(states, {.rows = 2, .wanted = 2, .sequences = 5}, step))
      served.insert(span.sequence);
  }
  EXPECT_EQ(served.size(), 5u);
}

}  // namespace
}  // namespace yoke
