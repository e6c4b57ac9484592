// A runner without a model: the logits of a row depend on its sequence's tokens up to there, read back from
// what the steps wrote at their positions, as a cache would be.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "engine/step_runner.h"

namespace yoke::testing {

class FakeRunner : public StepRunner {
 public:
  static constexpr int32_t kVocabulary = 50;

  FakeRunner(StepLimits limits, int32_t blocks) : limits_(std::move(limits)), pool_(blocks) {}

  void run(std::span<const StepItem> items) override {
    ++steps;
    int32_t rows = 0;
    logits_.clear();
    std::set<int32_t> blocks;
    for (const StepItem& item : items) {
      rows += static_cast<int32_t>(item.tokens.size());
      for (size_t t = 0; t < item.tokens.size(); ++t) {
        const int32_t position = item.first_position + static_cast<int32_t>(t);
        cache_[slot(item, position)] = item.tokens[t];
        const bool last = t + 1 == item.tokens.size();
        if (item.want == WantLogits::kAll || (item.want == WantLogits::kLast && last))
          logits_.push_back(row(item, position));
      }
      for (const int32_t block : item.blocks->blocks())
        EXPECT_TRUE(blocks.insert(block).second) << "two sequences share a block";
    }
    most_rows = std::max(most_rows, rows);
    EXPECT_LE(rows, limits_.rows);
    EXPECT_LE(static_cast<int32_t>(items.size()), limits_.sequences);
    EXPECT_LE(static_cast<int32_t>(logits_.size()), limits_.wanted);
  }

  std::span<const float> logits(int32_t i) const override { return logits_[static_cast<size_t>(i)]; }
  const StepLimits& limits() const override { return limits_; }
  BlockPool& pool() override { return pool_; }

  // What greedy sampling chooses after these tokens.
  static int32_t next(std::span<const int32_t> tokens) {
    uint64_t h = 7;
    for (const int32_t t : tokens) h = h * 6364136223846793005u + static_cast<uint64_t>(t) + 1;
    return static_cast<int32_t>((h >> 33) % kVocabulary);
  }

  int32_t steps = 0;
  int32_t most_rows = 0;
  float next_logit = 5.0F;

 private:
  static int64_t slot(const StepItem& item, int32_t position) {
    const int32_t block = item.blocks->blocks()[static_cast<size_t>(position / kBlockPositions)];
    return static_cast<int64_t>(block) * kBlockPositions + position % kBlockPositions;
  }
  std::vector<float> row(const StepItem& item, int32_t position) {
    std::vector<int32_t> tokens;
    for (int32_t p = 0; p <= position; ++p) tokens.push_back(cache_[slot(item, p)]);
    std::vector<float> logits(kVocabulary, 0.0F);
    logits[static_cast<size_t>(next(tokens))] = next_logit;
    return logits;
  }

  StepLimits limits_;
  BlockPool pool_;
  std::map<int64_t, int32_t> cache_;
  std::vector<std::vector<float>> logits_;
};

}  // namespace yoke::testing
