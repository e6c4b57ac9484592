#include "engine/scheduler.h"

#include <algorithm>

namespace yoke {

std::vector<ScheduledSpan> schedule(std::span<const SequenceState> states, const ScheduleLimits& limits,
                                    int32_t first) {
  std::vector<ScheduledSpan> spans;
  int32_t rows = limits.rows, wanted = limits.wanted;
  const auto take = [&](int32_t sequence, int64_t tokens) {
    const bool full = static_cast<int32_t>(spans.size()) == limits.sequences || wanted == 0 || rows == 0;
    if (full) return;
    const auto n = static_cast<int32_t>(std::min<int64_t>(tokens, rows));
    spans.push_back({sequence, n});
    rows -= n;
    --wanted;  // its last row's logits may be wanted
  };
  const auto count = static_cast<int32_t>(states.size());
  for (const bool generating : {true, false}) {
    for (int32_t i = 0; i < count; ++i) {
      const int32_t s = generating ? (first + i) % count : i;
      if (states[s].generating == generating && states[s].pending > 0) take(s, states[s].pending);
    }
  }
  return spans;
}

}  // namespace yoke
