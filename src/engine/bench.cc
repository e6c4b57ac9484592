#include "engine/bench.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "sampling/random.h"

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

class Runs {
 public:
  Runs(Model& model, const BenchOptions& options) : model_(model), o_(options) {
    for (int32_t s = 0; s < o_.batch; ++s) {
      blocks_.emplace_back(model.pool());
      if (!blocks_.back().reserve(o_.depth + std::max(o_.prompt, o_.generate)))
        fail(ErrorKind::kDoesNotFit, "benchmarking", "the context is too short for depth and prompt");
    }
    const int64_t most = o_.depth + std::max({o_.prompt, o_.generate, 1});
    for (int64_t i = 0; i < most; ++i)
      tokens_.push_back(static_cast<int32_t>(random_.next() % static_cast<uint64_t>(model.net().vocabulary)));
  }

  // All sequences' prompts [from, to), in steps as large as the model takes; seconds.
  double prompts(int32_t from, int32_t to) {
    const auto begin = Clock::now();
    const int32_t rows = model_.limits().rows;
    const int32_t each = std::max(1, rows / o_.batch);
    for (int32_t at = from; at < to; at += each) step(at, std::min(each, to - at), at + each >= to);
    return seconds_since(begin);
  }

  double decode() {
    const auto begin = Clock::now();
    for (int32_t i = 0; i < o_.generate; ++i) step(o_.depth + i, 1, true);
    return seconds_since(begin);
  }

  std::vector<float> last_logits() const {
    const auto row = model_.logits(0);
    return {row.begin(), row.end()};
  }

 private:
  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  void step(int32_t position, int32_t rows, bool logits) {
    std::vector<StepItem> items;
    for (const SequenceBlocks& blocks : blocks_) {
      items.push_back({.blocks = &blocks,
                       .first_position = position,
                       .tokens = std::span(tokens_).subspan(position, rows),
                       .want = logits ? WantLogits::kLast : WantLogits::kNone});
    }
    model_.run(items);
  }

  Model& model_;
  const BenchOptions& o_;
  Random random_{42};
  std::vector<SequenceBlocks> blocks_;
  std::vector<int32_t> tokens_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

uint64_t weight_bytes(const Model& model) {
  uint64_t bytes = 0;
  for (const auto& device : model.devices()) bytes += device->allocated_bytes(BufferUse::kWeights);
  return bytes;
}

void finish(BenchPhase& phase, const Model& model, double tokens_per_pass) {
  phase.median = median(phase.tokens_per_s);
  phase.weight_gb_per_s = static_cast<double>(weight_bytes(model)) * phase.median / tokens_per_pass / 1e9;
}

}  // namespace

BenchResult bench(Model& model, const BenchOptions& o) {
  Runs runs(model, o);
  BenchResult result;
  BenchPhase prefill{.name = "prefill",
                     .rows = std::min(o.prompt * o.batch, model.limits().rows),
                     .depth = o.depth,
                     .batch = o.batch};
  BenchPhase decode{.name = "decode", .rows = o.batch, .depth = o.depth, .batch = o.batch};
  runs.prompts(0, std::max(o.depth, 1));  // fills the cache, touches all weights
  for (int32_t r = 0; r < o.repeat; ++r) {
    if (o.progress) o.progress("run " + std::to_string(r + 1) + " of " + std::to_string(o.repeat));
    if (o.prompt > 0)
      prefill.tokens_per_s.push_back(o.prompt * o.batch / runs.prompts(o.depth, o.depth + o.prompt));
    if (o.generate > 0) decode.tokens_per_s.push_back(o.generate * o.batch / runs.decode());
  }
  result.last_logits = runs.last_logits();
  if (o.prompt > 0) {
    finish(prefill, model, prefill.rows);
    result.phases.push_back(prefill);
  }
  if (o.generate > 0) {
    finish(decode, model, o.batch);
    result.phases.push_back(decode);
  }
  return result;
}

}  // namespace yoke
