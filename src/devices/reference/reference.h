// The reference device: every op, scalar and plain, as docs/numerics.md writes it; the oracle of all others.
#pragma once

#include <memory>

#include "devices/device.h"

namespace yoke {

std::unique_ptr<Device> make_reference_device();

}  // namespace yoke
