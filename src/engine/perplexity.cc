#include "engine/perplexity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace yoke {
namespace {

struct Chunk {
  SequenceBlocks blocks;
  std::vector<int32_t> tokens;
  std::vector<double> negative_log = {};  // per position, 0 where nothing is predicted
};

int64_t argmax(std::span<const float> logits) {
  return std::ranges::max_element(logits) - logits.begin();
}

bool is_scored(int32_t position, int32_t chunk_tokens) {
  return position >= chunk_tokens / 2 && position + 1 < chunk_tokens;
}

class Scorer {
 public:
  Scorer(const PerplexityOptions& options, int64_t total) : options_(options), total_(total) {}

  // first: the chunk's first position in the text.
  void add(int64_t first, Chunk& chunk, int32_t position, std::span<const float> logits) {
    double negative_log = 0;
    if (is_scored(position, options_.chunk_tokens)) {
      negative_log = log_sum_exp(logits) - static_cast<double>(logits[chunk.tokens[position + 1]]);
      if (!std::isfinite(negative_log)) {
        fail(ErrorKind::kRuntime, "scoring position " + std::to_string(first + position),
             "a logit is infinite or not a number (damaged weights, or a model whose values overflow)");
      }
    }
    chunk.negative_log.push_back(negative_log);
    if (options_.on_logits) options_.on_logits(first + position, logits);
    if (first + position + 1 == total_) last_.assign(logits.begin(), logits.end());
    ++done_;
    if (options_.progress) options_.progress(done_, total_);
  }
  // Chunk after chunk, so that the sum does not depend on how many are computed side by side.
  void close(const Chunk& chunk) {
    for (int32_t p = 0; p < options_.chunk_tokens; ++p) {
      if (!is_scored(p, options_.chunk_tokens)) continue;
      negative_log_ += chunk.negative_log[p];
      ++scored_;
    }
  }

  PerplexityResult result(int64_t chunks) {
    return {.perplexity = std::exp(negative_log_ / static_cast<double>(std::max<int64_t>(scored_, 1))),
            .scored = scored_,
            .chunks = chunks,
            .last_logits = std::move(last_)};
  }

 private:
  const PerplexityOptions& options_;
  int64_t total_;
  int64_t done_ = 0;
  double negative_log_ = 0;
  int64_t scored_ = 0;
  std::vector<float> last_;
};

// Runs up to `parallel` chunks side by side. first: the text position of the first of them.
void run_group(StepRunner& runner, int64_t first, std::vector<Chunk>& group, const PerplexityOptions& options,
               Scorer& scorer) {
  const int32_t n = options.chunk_tokens;
  const auto count = static_cast<int32_t>(group.size());
  const int32_t each =
      std::max(1, std::min({options.step_rows, runner.limits().rows, runner.limits().wanted}) / count);
  for (int32_t at = 0; at < n;) {
    const int32_t rows = std::min(each, n - at);
    std::vector<StepItem> items;
    items.reserve(group.size());
    for (Chunk& chunk : group) {
      items.push_back({.blocks = &chunk.blocks,
                       .first_position = at,
                       .tokens = std::span(chunk.tokens).subspan(at, rows),
                       .want = WantLogits::kAll});
    }
    runner.run(items);
    for (int32_t c = 0; c < count; ++c) {
      for (int32_t r = 0; r < rows; ++r)
        scorer.add(first + int64_t{c} * n, group[c], at + r, runner.logits(c * rows + r));
    }
    at += rows;
  }
  for (const Chunk& chunk : group) scorer.close(chunk);
}

Chunk make_chunk(StepRunner& runner, std::span<const int32_t> tokens, const PerplexityOptions& options) {
  Chunk chunk{SequenceBlocks(runner.pool()), {tokens.begin(), tokens.end()}};
  if (options.bos) chunk.tokens[0] = *options.bos;
  if (!chunk.blocks.reserve(static_cast<int64_t>(tokens.size()))) {
    fail(ErrorKind::kDoesNotFit, "computing perplexity",
         "the cache has no room for another chunk of " + std::to_string(tokens.size()) + " tokens");
  }
  return chunk;
}

}  // namespace

double log_sum_exp(std::span<const float> logits) {
  const double top = static_cast<double>(*std::ranges::max_element(logits));
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - top);
  return top + std::log(sum);
}

void check_perplexity(int64_t tokens, int64_t chunk_tokens) {
  const std::string doing = "computing perplexity";
  if (chunk_tokens < 3)
    fail(ErrorKind::kUsage, doing, "chunks of fewer than 3 tokens hold nothing to predict (a larger --ctx)");
  if (tokens / chunk_tokens < 2) {
    fail(ErrorKind::kUsage, doing,
         std::to_string(tokens) + " tokens are fewer than two chunks of " + std::to_string(chunk_tokens) +
             " (use a longer text or a smaller --ctx)");
  }
}

PerplexityResult perplexity(StepRunner& runner, std::span<const int32_t> tokens,
                            const PerplexityOptions& options) {
  const int64_t n = options.chunk_tokens;
  check_perplexity(static_cast<int64_t>(tokens.size()), n);
  const int64_t chunks = static_cast<int64_t>(tokens.size()) / n;
  Scorer scorer(options, chunks * n);
  for (int64_t next = 0; next < chunks;) {
    const int64_t first = next;
    std::vector<Chunk> group;
    for (; next < chunks && static_cast<int32_t>(group.size()) < options.parallel; ++next)
      group.push_back(make_chunk(runner, tokens.subspan(next * n, n), options));
    run_group(runner, first * n, group, options, scorer);
  }
  return scorer.result(chunks);
}

void Divergence::add(int64_t position, std::span<const float> p, std::span<const float> q) {
  const double sum_p = log_sum_exp(p), sum_q = log_sum_exp(q);
  double kl = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double log_p = static_cast<double>(p[i]) - sum_p;
    kl += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - sum_q));
  }
  kl_[static_cast<size_t>(position)] = kl;
  same_ += argmax(p) == argmax(q) ? 1 : 0;
}

double Divergence::mean_kl() const {
  return kl_.empty() ? 0 : std::accumulate(kl_.begin(), kl_.end(), 0.0) / static_cast<double>(kl_.size());
}

double Divergence::p99_kl() const {
  if (kl_.empty()) return 0;
  std::vector<double> sorted = kl_;
  const auto at = static_cast<size_t>(std::ceil(0.99 * static_cast<double>(sorted.size())) - 1);
  std::ranges::nth_element(sorted, sorted.begin() + static_cast<int64_t>(at));
  return sorted[at];
}

double Divergence::top1() const {
  return kl_.empty() ? 0 : static_cast<double>(same_) / static_cast<double>(kl_.size());
}

}  // namespace yoke
