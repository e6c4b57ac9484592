// From "these blocks there, these weights here" to a device for every op.
#pragma once

#include <cstdint>
#include <vector>

#include "placement/machine.h"
#include "program/net.h"
#include "program/placement_data.h"

namespace yoke {

struct PlaceOptions {
  std::vector<int32_t> layer_device;  // [net.layers]
  int32_t head_device = 0;            // of the output norm and the head
  std::vector<int32_t> rule_device;   // [net.weights] from apply_rules, -1: no rule
};

// Products run where their matrix is placed. A layer's attention, its cache and the rotation in front of it
// lie together: where a rule puts the matrices of k or v, else where attention's output is multiplied. A norm
// runs where a rule puts its weight. All other ops go where the fewest values change devices. Embed runs on
// the first host.
PhasePlacement place(const Net& net, const Machine& machine, const PlaceOptions& options);

}  // namespace yoke
