#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "ops/recipe.h"

namespace yoke {
namespace {

[[noreturn]] void fail_logits(const std::string& wrong) {
  fail(ErrorKind::kRuntime, "sampling", wrong + " (damaged weights, or a model whose values overflow)");
}

// The largest logit, checked: sixteen at a time, so that a vocabulary takes microseconds.
float checked_max(std::span<const float> logits) {
  constexpr size_t kLanes = 16;
  float max[kLanes];
  uint32_t nan[kLanes] = {};
  std::fill(std::begin(max), std::end(max), -std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    const float* from = logits.data() + i;
    for (size_t l = 0; l < kLanes; ++l) {
      max[l] = from[l] > max[l] ? from[l] : max[l];
      nan[l] |= from[l] != from[l] ? 1u : 0u;
    }
  }
  for (; i < logits.size(); ++i) {
    max[0] = logits[i] > max[0] ? logits[i] : max[0];
    nan[0] |= std::isnan(logits[i]) ? 1u : 0u;
  }
  if (std::any_of(std::begin(nan), std::end(nan), [](uint32_t n) { return n != 0; })) {
    const auto at = std::find_if(logits.begin(), logits.end(), [](float x) { return std::isnan(x); });
    fail_logits("the logit of token " + std::to_string(at - logits.begin()) + " is not a number");
  }
  const float result = *std::max_element(std::begin(max), std::end(max));
  if (!std::isfinite(result)) fail_logits(result > 0 ? "a logit is infinite" : "no token has a finite logit");
  return result;
}

int32_t first_equal(std::span<const float> logits, float value) {
  return static_cast<int32_t>(std::find(logits.begin(), logits.end(), value) - logits.begin());
}

float likelihood(float logit, float max) {
  // The recipe's exp stops falling at -87; further below, nothing is left.
  return logit - max < -87.0f ? 0.0f : recipe::exp(logit - max);
}

}  // namespace

void check(const SamplingParams& p) {
  const auto fail_option = [](const char* option, const char* range) {
    fail(ErrorKind::kUsage, "reading the sampling options", std::string(option) + " must be " + range);
  };
  if (!(p.temperature >= 0) || std::isinf(p.temperature)) fail_option("--temp", "0 or more");
  if (p.top_k < 0) fail_option("--top-k", "0 (all) or more");
  if (!(p.top_p > 0 && p.top_p <= 1)) fail_option("--top-p", "above 0 and at most 1");
  if (!(p.min_p >= 0 && p.min_p <= 1)) fail_option("--min-p", "from 0 to 1");
  if (!(p.penalties.repeat > 0) || std::isinf(p.penalties.repeat)) fail_option("--repeat-penalty", "above 0");
  if (!std::isfinite(p.penalties.presence)) fail_option("--presence-penalty", "a finite number");
  if (!std::isfinite(p.penalties.frequency)) fail_option("--frequency-penalty", "a finite number");
  if (p.penalties.window < -1) fail_option("the penalties' window", "-1 (all), 0 (none) or more");
}

int32_t most_likely(std::span<const float> logits) {
  return first_equal(logits, checked_max(logits));
}

Sampler::Sampler(const SamplingParams& params)
    : params_(params), penalties_(params.penalties), random_(params.seed) {
  check(params);
}

int32_t Sampler::sample(std::span<const float> logits) {
  if (!penalties_.off()) {
    penalized_.assign(logits.begin(), logits.end());
    penalties_.apply(penalized_);
    logits = penalized_;
  }
  const float max = checked_max(logits);
  if (params_.temperature == 0) return first_equal(logits, max);
  if (params_.top_k > 0 && static_cast<size_t>(params_.top_k) < logits.size()) {
    keep_top_k(logits);
  } else {
    keep_all(logits);
  }
  if (params_.top_p < 1) keep_top_p();
  if (params_.min_p > 0) keep_min_p(max);
  return draw(max);
}

void Sampler::keep_all(std::span<const float> logits) {
  candidates_.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) candidates_[i] = {logits[i], static_cast<int32_t>(i)};
}

// A heap of the k best with the worst on top: most tokens cost one comparison. Sorted at the end.
void Sampler::keep_top_k(std::span<const float> logits) {
  const auto k = static_cast<size_t>(params_.top_k);
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    const Candidate candidate{logits[i], static_cast<int32_t>(i)};
    if (candidates_.size() == k) {
      if (!better(candidate, candidates_.front())) continue;
      std::pop_heap(candidates_.begin(), candidates_.end(), better);
      candidates_.pop_back();
    }
    candidates_.push_back(candidate);
    std::push_heap(candidates_.begin(), candidates_.end(), better);
  }
  std::sort_heap(candidates_.begin(), candidates_.end(), better);
}

// Sorts only as many as it takes: the first 128, then four times as many, and so on.
void Sampler::keep_top_p() {
  const float max = std::min_element(candidates_.begin(), candidates_.end(), better)->logit;
  double total = 0;
  for (const Candidate& c : candidates_) total += static_cast<double>(likelihood(c.logit, max));
  const double wanted = static_cast<double>(params_.top_p) * total;
  double sum = 0;
  size_t sorted = 0;
  for (size_t kept = 0; kept < candidates_.size(); ++kept) {
    if (kept == sorted) {
      const auto from = candidates_.begin() + static_cast<ptrdiff_t>(sorted);
      sorted = std::min(candidates_.size(), sorted == 0 ? size_t{128} : sorted * 4);
      const auto to = candidates_.begin() + static_cast<ptrdiff_t>(sorted);
      if (to != candidates_.end()) std::nth_element(from, to, candidates_.end(), better);
      std::sort(from, to, better);
    }
    sum += static_cast<double>(likelihood(candidates_[kept].logit, max));
    if (sum >= wanted) {
      candidates_.resize(kept + 1);
      return;
    }
  }
}

void Sampler::keep_min_p(float max) {
  std::erase_if(candidates_, [&](const Candidate& c) { return likelihood(c.logit, max) < params_.min_p; });
}

// The first candidate at which the running sum passes a random share of the whole.
int32_t Sampler::draw(float max) {
  double total = 0;
  for (Candidate& c : candidates_) {
    // The same slot now holds what the logit weighs.
    c.logit = likelihood((c.logit - max) / params_.temperature, 0.0f);
    total += static_cast<double>(c.logit);
  }
  const double target = random_.uniform() * total;
  double sum = 0;
  int32_t last = candidates_.front().token;
  for (const Candidate& c : candidates_) {
    if (c.logit == 0) continue;
    sum += static_cast<double>(c.logit);
    last = c.token;
    if (sum > target) break;
  }
  return last;
}

}  // namespace yoke
