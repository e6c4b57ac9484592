// Measures prefill and decode of a loaded model, beside the machine's own limits.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/model.h"

namespace yoke {

struct BenchOptions {
  int32_t prompt = 512;    // tokens of each sequence's prompt; 0: no prefill phase
  int32_t generate = 128;  // decode steps; 0: no decode phase
  int32_t depth = 0;       // positions in the cache before either phase begins
  int32_t batch = 1;       // sequences
  int32_t repeat = 3;
  std::function<void(int64_t done, int64_t total)> progress = {};  // steps
};

struct BenchPhase {
  std::string name;  // "prefill", "decode"
  int32_t rows = 0;  // a step, at most
  int32_t depth = 0;
  int32_t batch = 1;
  std::vector<double> tokens_per_s = {};  // [repeat], of all sequences together
  double median = 0;
  double weight_gb_per_s = 0;    // bytes of the weights that the steps read, over time, at the median
  double product_gop_per_s = 0;  // multiplies and adds of the matrix products, over time, at the median
};

struct BenchResult {
  std::vector<BenchPhase> phases;
  std::vector<float> last_logits;
};

// Throws kUsage where there is nothing to measure or the context is too short.
void check_bench(const BenchOptions& options, int64_t context);

// Random tokens from a fixed seed. Needs a context of depth + max(prompt, generate) positions a sequence.
BenchResult bench(Model& model, const BenchOptions& options);

}  // namespace yoke
