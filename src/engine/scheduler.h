// Decides what the next step computes: every generating sequence, then prompts in chunks. Policy only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace yoke {

// One admitted sequence as the scheduler sees it.
struct SequenceState {
  int64_t pending = 0;      // tokens not computed yet: 1 while generating, the rest of the prompt before
  bool generating = false;  // its prompt is done
};

struct ScheduleLimits {
  int32_t rows = 0;       // of a step
  int32_t wanted = 0;     // logits rows of a step
  int32_t sequences = 0;  // in a step
};

struct ScheduledSpan {
  int32_t sequence = 0;  // index into the states
  int32_t tokens = 0;    // the next ones
};

// Generating sequences come first, one row each, then prompts in order of arrival (the order of `states`),
// each as far as rows last. What is left out has waited longest next time: `first` is where the rotation
// begins.
std::vector<ScheduledSpan> schedule(std::span<const SequenceState> states, const ScheduleLimits& limits,
                                    int32_t first = 0);

}  // namespace yoke
