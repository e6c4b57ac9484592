// SmolLM2 on the English text: how far a run is from transformers, told from the likeliest ids of each
// position.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "golden/golden_files.h"
#include "support/npy.h"

namespace yoke::test {

// KL divergence over the given ids and "all others" as one outcome. A lower bound of the whole;
// docs/goldens.md.
inline double coarse_kl(std::span<const uint16_t> ids, std::span<const float> logprobs,
                        std::span<const float> logits) {
  const double norm = log_sum_exp(logits);
  double kl = 0, rest_p = 1, rest_q = 1;
  for (size_t i = 0; i < ids.size(); ++i) {
    const double p = logprobs[i], q = logits[ids[i]] - norm;
    kl += std::exp(p) * (p - q);
    rest_p -= std::exp(p);
    rest_q -= std::exp(q);
  }
  rest_p = std::max(rest_p, 1e-12);
  rest_q = std::max(rest_q, 1e-12);
  return kl + rest_p * std::log(rest_p / rest_q);
}

struct SmolResult {
  double mean_kl = 0, top1 = 0, perplexity = 0;
};

// Of llama.cpp on the same file and positions, by the same ids.
inline double llama_cpp_kl(const std::string& golden) {
  const nlohmann::json figures = golden_json(golden + ".json")["llama_cpp"];
  return figures[golden == "smollm2_q4_1" ? "mean_kl_33" : "mean_kl_9"];
}

// All chunks of a golden: "smollm2_q4_1" (two, 32 ids a position), "smollm2_whole_q4_1", "smollm2_whole_q8_0"
// (nine, 8 ids).
inline SmolResult score_smollm2(const ModelOptions& options, const std::string& name = "smollm2_q4_1") {
  const nlohmann::json golden = golden_json(name + ".json");
  const auto ids = read_npy<uint16_t>(golden_path(name + ".ids.npy"), "<u2");
  const auto logprobs = read_npy<float>(golden_path(name + ".logprobs.npy"), "<f4");
  const auto tokens = golden["tokens"].get<std::vector<int32_t>>();

  SmolResult result;
  int64_t same = 0;
  const PerplexityResult scored =
      score(options, tokens, golden["ctx"], [&](int64_t position, std::span<const float> logits) {
        result.mean_kl += coarse_kl(ids.row(position), logprobs.row(position), logits);
        same += std::max_element(logits.begin(), logits.end()) - logits.begin() == ids.row(position)[0];
      });
  result.mean_kl /= static_cast<double>(ids.rows);
  result.top1 = static_cast<double>(same) / static_cast<double>(ids.rows);
  result.perplexity = scored.perplexity;
  return result;
}

}  // namespace yoke::test
