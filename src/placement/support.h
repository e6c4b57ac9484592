// What the opened devices say about the ops of a Program: which they cannot run, which differ from the
// reference.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "placement/machine.h"
#include "program/net.h"
#include "program/program.h"

namespace yoke {

struct OpRefusal {
  int32_t device = 0;
  int32_t layer = -1;
  std::string text;  // "linear (q4_k, panel16): why"
};

struct Support {
  std::vector<OpRefusal> unsupported;    // one per device, layer and reason
  std::vector<std::string> not_bitwise;  // "vulkan:0: attention: why", each once
};

// Devices of a described machine are taken to run everything as the reference does.
Support ask_devices(const Net& net, const Program& program, const Machine& machine, KvType kv);

}  // namespace yoke
