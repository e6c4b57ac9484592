// One suite for every device: each op, format and layout on tiny one-op Programs, compared with the reference
// bit for bit. Tests and `yoke selftest` run the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "devices/device.h"

namespace yoke {

struct ConformanceOptions {
  bool thorough = false;           // every combination of sizes; else a few that reach each remainder path
  std::vector<std::string> ops{};  // only these ("linear"); empty: all
  uint32_t seed = 1;
};

// What one op came to with one format on the device (op_format(): op and format).
struct ConformanceResult {
  std::string op;           // "linear"
  std::string format;       // "q4_k panel16", "f16", "q8x32", "f32"
  std::string kernel;       // the device's name for what ran; the last one where sizes chose several
  bool passed = true;       // no case differed; see skipped()
  bool bitwise = true;      // compared bit for bit, as the device claims; else only loosely
  std::string message;      // the first failure; else empty
  int cases = 0;            // that ran
  int skipped_cases = 0;    // that the device does not run, has no memory for, or did not live to see
  std::string skip_reason;  // the first of the reasons

  bool skipped() const { return cases == 0; }
};

std::vector<ConformanceResult> run_conformance(Device& device, const ConformanceOptions& options);

}  // namespace yoke
