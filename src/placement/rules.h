// What the user says about where weights go: --gpu-layers and --place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "placement/machine.h"
#include "program/net.h"

namespace yoke {

// --gpu-layers N | all | auto
struct GpuLayers {
  enum class Kind : uint8_t { kAuto, kAll, kCount };
  Kind kind = Kind::kAuto;
  int32_t count = 0;  // kCount
};
// Throws kUsage.
GpuLayers parse_gpu_layers(const std::string& text);
std::string to_text(const GpuLayers& layers);  // "auto", "all", "15"

// Which of a Net's weights a rule can move by itself: matrices of products and the weights of norms. Biases
// follow their matrix; a table that is only looked up stays with the host.
std::vector<bool> movable_weights(const Net& net);

// --place 'REGEX=DEVICE', in order, first match wins. For each weight the device that a rule names (an index
// into the machine), or -1. Throws kUsage: a rule without '=', with a regex that does not compile (with its
// position), with a device that is not in use, or that matches no weight that can be moved.
std::vector<int32_t> apply_rules(std::span<const std::string> rules, const Net& net, const Machine& machine);

}  // namespace yoke
