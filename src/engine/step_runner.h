// What runs steps: a loaded model, or in tests anything that makes logits.
#pragma once

#include <cstdint>
#include <span>

#include "cache/block_pool.h"
#include "engine/step_builder.h"
#include "program/step_inputs.h"

namespace yoke {

class StepRunner {
 public:
  virtual ~StepRunner() = default;
  // Within limits(); generated rows first, then prompts. Blocks until the logits are there.
  virtual void run(std::span<const StepItem> items) = 0;
  // [vocabulary] of the last step's i-th wanted row.
  virtual std::span<const float> logits(int32_t i) const = 0;
  virtual const StepLimits& limits() const = 0;
  virtual BlockPool& pool() = 0;
};

}  // namespace yoke
