// The first half of compilation: the Net's ops on their devices, with quantizations, copies and segments.
#pragma once

#include "program/compile.h"

namespace yoke {

// Everything but memory offsets and barriers.
Program lower(const Net& net, const PhasePlacement& placement, const StepLimits& limits);

// Fills offsets, row_bytes, bytes and the devices' arena and staging sizes.
void plan_memory(Program& program);

// Sets ProgramOp::barrier from what the ops read and write; memory is planned already.
void place_barriers(Program& program);

}  // namespace yoke
