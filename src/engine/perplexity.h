// Scores a text in chunks: perplexity, the logits themselves, and how far they are from other logits.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/step_runner.h"

namespace yoke {

struct PerplexityOptions {
  int32_t chunk_tokens = 512;       // positions a chunk; chunks do not overlap
  int32_t parallel = 1;             // chunks computed as sequences of one step
  int32_t step_rows = 512;          // prompt rows a step
  std::optional<int32_t> bos = {};  // replaces each chunk's first token
  // Logits of every position of the text, as they come: in order within a chunk; chunks computed side by side
  // take turns. [vocabulary]
  std::function<void(int64_t position, std::span<const float> logits)> on_logits = {};
  std::function<void(int64_t done, int64_t total)> progress = {};  // positions
};

struct PerplexityResult {
  double perplexity = 0;
  int64_t scored = 0;  // predictions from positions N/2 to N-2 of each chunk
  int64_t chunks = 0;
  std::vector<float> last_logits;  // of the last position
};

// Throws kUsage for fewer than two chunks, and for chunks too short to hold a prediction.
void check_perplexity(int64_t tokens, int64_t chunk_tokens);

// tokens: an incomplete last chunk is dropped; checked as above.
PerplexityResult perplexity(StepRunner& runner, std::span<const int32_t> tokens,
                            const PerplexityOptions& options);

// log(sum(exp(logits))) in double.
double log_sum_exp(std::span<const float> logits);

// Collects the divergence of these logits (q) from others (p), position by position in any order.
class Divergence {
 public:
  explicit Divergence(int64_t positions) : kl_(static_cast<size_t>(positions)) {}
  void add(int64_t position, std::span<const float> p, std::span<const float> q);
  double mean_kl() const;  // sum p log(p / q), in nats
  double p99_kl() const;
  double top1() const;  // share of positions whose largest logit is the same token

 private:
  std::vector<double> kl_;  // summed in order of positions, whatever came first
  int64_t same_ = 0;
};

}  // namespace yoke
