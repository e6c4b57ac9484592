// A first small dispatch at open: a driver that computes wrongly is refused before anything is loaded.
#pragma once

#include "devices/vulkan/pipelines.h"
#include "devices/vulkan/transfer.h"

namespace yoke::vulkan {

// Throws where the driver cuts long loops or does not run at all.
void check_driver(Context& context, Pipelines& pipelines, Transfer& transfer);

}  // namespace yoke::vulkan
