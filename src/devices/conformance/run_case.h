// Runs a Case on a device and reads everything back.
#pragma once

#include "devices/conformance/case.h"

namespace yoke::conformance {

// Memory after the op, whole: what it should not have touched included.
struct Outcome {
  Bytes arena;
  Bytes staging;
  std::vector<Bytes> caches;
  std::string kernel;
};

Outcome run_case(const Case& c, Device& device, Layout layout);
// Where the values' bytes are before the op, guards between them included.
Bytes initial_memory(const Case& c, MemoryKind memory);

}  // namespace yoke::conformance
