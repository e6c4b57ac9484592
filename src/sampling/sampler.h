// Chooses the next token from a row of logits; the same parameters, seed and logits always choose the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sampling/penalties.h"
#include "sampling/random.h"

namespace yoke {

struct SamplingParams {
  float temperature = 0;  // 0: the most likely token, nothing random
  int32_t top_k = 0;      // only the k most likely; 0: all
  float top_p = 1;        // only the fewest most likely that together reach this probability; 1: all
  float min_p = 0;        // only those at least this fraction as likely as the most likely; 0: all
  PenaltyParams penalties = {};
  uint64_t seed = 0;
};

// Throws Error(kUsage) that names the option out of its range.
void check(const SamplingParams& params);

// Penalties, top-k, top-p, min-p, temperature, in this order; each filter sees what the one before left, at
// temperature 1. Equal logits: the lower token wins. Exponentials follow docs/numerics.md, sums run in
// double, so that a seed chooses the same tokens on every platform. Copying a sampler copies its state.
class Sampler {
 public:
  explicit Sampler(const SamplingParams& params);

  const SamplingParams& params() const { return params_; }
  // Tells the penalties what the sequence holds: each token of the prompt and each one chosen, once.
  void accept(int32_t token) { penalties_.accept(token); }
  // logits[vocabulary]. NaN, +infinity or nothing above -infinity throws Error(kRuntime).
  int32_t sample(std::span<const float> logits);

 private:
  struct Candidate {
    float logit;
    int32_t token;
  };
  static bool better(const Candidate& a, const Candidate& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
  }

  void keep_all(std::span<const float> logits);
  void keep_top_k(std::span<const float> logits);
  void keep_top_p();
  void keep_min_p(float max);
  int32_t draw(float max);

  SamplingParams params_;
  Penalties penalties_;
  Random random_;
  std::vector<float> penalized_;       // [vocabulary], used when penalties are on
  std::vector<Candidate> candidates_;  // what the filters have left
};

// The token of the largest logit, of equal ones the lowest; errors as Sampler::sample.
int32_t most_likely(std::span<const float> logits);

}  // namespace yoke
