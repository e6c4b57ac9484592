// The compiled shaders, embedded at build time, by name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace yoke::vulkan {

// SPIR-V words of "linear_q8_0_x4"; throws for a name that the build does not have.
std::span<const uint32_t> spirv(std::string_view name);

}  // namespace yoke::vulkan
