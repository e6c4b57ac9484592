// The parts of IEEE 754 that a driver may leave out unless a shader asks for them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace yoke::vulkan {

// What a device keeps when asked, of 32-bit floats (VkPhysicalDeviceVulkan12Properties).
struct FloatControls {
  bool denormals = false;             // shaderDenormPreserveFloat32
  bool zeros_infinities_nan = false;  // shaderSignedZeroInfNanPreserveFloat32
  bool round_to_even = false;         // shaderRoundingModeRTEFloat32
};

// Asks for them in the SPIR-V words (1.4 or later, one entry point) of a shader.
void ask_for(const FloatControls& controls, std::vector<uint32_t>& words);

// " denormals zeros rounding", for the identity of a device's kernels; empty: none.
std::string text_of(const FloatControls& controls);

}  // namespace yoke::vulkan
