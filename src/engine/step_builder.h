// Gathers what several sequences contribute to one step into StepInputs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cache/sequence_blocks.h"
#include "program/net.h"
#include "program/step_inputs.h"

namespace yoke {

enum class WantLogits : uint8_t { kNone, kLast, kAll };

// The next tokens of one sequence. Its blocks have room for them.
struct StepItem {
  const SequenceBlocks* blocks = nullptr;
  int32_t first_position = 0;       // of tokens[0]: how many positions the cache holds already
  std::span<const int32_t> tokens;  // at least one
  WantLogits want = WantLogits::kLast;
};

class StepBuilder {
 public:
  StepBuilder(const Net& net, const StepLimits& limits);

  // Items in the caller's order (generated rows first, then prompts); the result is valid until the next
  // call. Wanted rows are in the order of items and tokens.
  const StepInputs& build(std::span<const StepItem> items);

 private:
  void add_row(const StepItem& item, size_t token, int32_t sequence);

  std::vector<NetRope> ropes_;
  StepLimits limits_;
  StepInputs inputs_;
};

}  // namespace yoke
