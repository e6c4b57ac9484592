#include "devices/vulkan/float_controls.h"

#include <array>
#include <cstddef>

namespace yoke::vulkan {
namespace {

// SPIR-V 1.6, sections 3.6 (execution modes) and 3.31 (capabilities).
constexpr size_t kHeaderWords = 5;
constexpr uint32_t kOpEntryPoint = 15;
constexpr uint32_t kOpExecutionMode = 16;
constexpr uint32_t kOpCapability = 17;

struct Control {
  bool FloatControls::*wanted;
  uint32_t capability;
  uint32_t mode;
  const char* name;
};
constexpr std::array kControls = {Control{&FloatControls::denormals, 4464, 4459, " denormals"},
                                  Control{&FloatControls::zeros_infinities_nan, 4466, 4461, " zeros"},
                                  Control{&FloatControls::round_to_even, 4467, 4462, " rounding"}};

constexpr uint32_t instruction(uint32_t opcode, uint32_t words) {
  return words << 16 | opcode;
}

}  // namespace

void ask_for(const FloatControls& controls, std::vector<uint32_t>& words) {
  std::vector<uint32_t> out(words.begin(), words.begin() + kHeaderWords);
  // Capabilities come first of all; execution modes follow the entry point.
  for (const Control& c : kControls) {
    if (controls.*c.wanted) out.insert(out.end(), {instruction(kOpCapability, 2), c.capability});
  }
  for (size_t at = kHeaderWords; at < words.size();) {
    const size_t count = words[at] >> 16;
    out.insert(out.end(), words.begin() + static_cast<ptrdiff_t>(at),
               words.begin() + static_cast<ptrdiff_t>(at + count));
    if ((words[at] & 0xFFFF) == kOpEntryPoint) {
      for (const Control& c : kControls) {
        if (controls.*c.wanted) {
          out.insert(out.end(), {instruction(kOpExecutionMode, 4), words[at + 2], c.mode, 32});
        }
      }
    }
    at += count;
  }
  words = std::move(out);
}

std::string text_of(const FloatControls& controls) {
  std::string text;
  for (const Control& c : kControls) {
    if (controls.*c.wanted) text += c.name;
  }
  return text;
}

}  // namespace yoke::vulkan
