// Which devices are used, and in which order.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "devices/device.h"

namespace yoke {

// `--devices LIST` as names in the order in which a plan wants them: GPUs first, then hosts. Names may
// repeat; `cpu` is added where no host is named. An empty list: every available GPU that is none of software,
// then the CPU. Throws kUsage for a name that is not available.
std::vector<std::string> choose_devices(const std::string& list, std::span<const DeviceInfo> available);

}  // namespace yoke
