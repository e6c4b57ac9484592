// Which kernel each op of a plan gets, without reading a weight or reserving the plan's memory.
#pragma once

#include <string>
#include <vector>

#include "engine/model.h"

namespace yoke {

// The Program is compiled by its opened devices over address space that holds no memory: what is named is
// what a loaded model runs. [segments][ops]; empty for a described machine, whose devices nobody has opened.
std::vector<std::vector<std::string>> plan_kernels(const PlannedModel& planned);

}  // namespace yoke
