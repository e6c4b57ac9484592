// How fast a Program should decode, from bytes over bandwidths and the price of hand-offs.
#pragma once

#include <optional>
#include <vector>

#include "placement/machine.h"
#include "program/net.h"
#include "program/program.h"

namespace yoke {

struct Prediction {
  double decode_tokens_per_s = 0;
  std::vector<double> device_ms;  // [devices] of one step
  double handoff_ms = 0;
};

// One sequence, one row a step, at that depth: each segment reads its weights and its caches once at its
// device's bandwidth; segments run one after another; each hand-off costs the link's latency and the copied
// row over the link's bandwidth. Arithmetic and small ops are left out: an upper bound. None where a
// bandwidth that is needed is not known.
std::optional<Prediction> predict_decode(const Net& net, const Program& program, const Machine& machine,
                                         KvType kv, int64_t depth);

}  // namespace yoke
