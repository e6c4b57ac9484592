// The compiled shaders, embedded at build time, by name.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace yoke::vulkan {

// SPIR-V words of "linear_q8_0_x4"; throws for a name that the build does not have.
std::span<const uint32_t> spirv(std::string_view name);

// Of all shaders, as `alter` leaves them (VulkanOptions::alter_shader): 16 hex digits.
using AlterShader = std::function<void(std::string_view shader, std::vector<uint32_t>& words)>;
std::string shaders_hash(const AlterShader& alter);

}  // namespace yoke::vulkan
