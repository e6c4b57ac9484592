// Turns a Net and a placement into a Program: inserts quantizations and copies, cuts segments, plans memory.
#pragma once

#include <string>
#include <vector>

#include "program/net.h"
#include "program/placement_data.h"
#include "program/program.h"

namespace yoke {

// Matrices are packed on the CPU and on GPUs, and stored on the reference device; a table that only Embed
// reads is stored everywhere.
Layout layout_for(DeviceKind kind, bool only_embedded, bool vector);

// The same inputs always give the same Program; nothing is allocated on any device. KvType does not matter
// here: caches are sized by whoever holds them.
Program compile(const Net& net, const PhasePlacement& placement, const StepLimits& limits);

// The Program as text, an op a line (docs/architecture.md). kernels[segment][op] may be empty.
std::string listing(const Net& net, const Program& program,
                    const std::vector<std::vector<std::string>>& kernels = {});

}  // namespace yoke
