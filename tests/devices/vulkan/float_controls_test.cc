#include "devices/vulkan/float_controls.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "devices/vulkan/shaders.h"

namespace yoke::vulkan {
namespace {

struct Instruction {
  uint32_t opcode;
  std::vector<uint32_t> operands;
  bool operator==(const Instruction&) const = default;
};

constexpr uint32_t kEntryPoint = 15, kExecutionMode = 16, kCapability = 17;

std::vector<Instruction> instructions(const std::vector<uint32_t>& words) {
  std::vector<Instruction> all;
  for (size_t at = 5; at < words.size();) {
    const size_t count = words[at] >> 16;
    EXPECT_GT(count, 0u);
    EXPECT_LE(at + count, words.size());
    if (count == 0 || at + count > words.size()) break;
    all.push_back({words[at] & 0xFFFF, {words.begin() + at + 1, words.begin() + at + count}});
    at += count;
  }
  return all;
}

std::vector<uint32_t> built() {
  const std::span<const uint32_t> words = spirv("add");
  return {words.begin(), words.end()};
}

TEST(FloatControls, NothingAskedLeavesTheWords) {
  std::vector<uint32_t> words = built();
  ask_for({}, words);
  EXPECT_EQ(words, built());
  EXPECT_EQ(text_of({}), "");
}

TEST(FloatControls, EachAddsItsCapabilityAndItsModeAndNoMore) {
  const std::vector<Instruction> before = instructions(built());
  const auto entry = std::ranges::find(before, kEntryPoint, &Instruction::opcode);
  ASSERT_NE(entry, before.end());
  const uint32_t main_id = entry->operands[1];
  const struct {
    FloatControls controls;
    std::vector<uint32_t> capabilities, modes;
    std::string text;
  } cases[] = {{{.denormals = true}, {4464}, {4459}, " denormals"},
               {{.zeros_infinities_nan = true}, {4466}, {4461}, " zeros"},
               {{.round_to_even = true}, {4467}, {4462}, " rounding"},
               {{true, true, true}, {4464, 4466, 4467}, {4459, 4461, 4462}, " denormals zeros rounding"}};
  for (const auto& c : cases) {
    std::vector<uint32_t> words = built();
    ask_for(c.controls, words);
    EXPECT_EQ(text_of(c.controls), c.text);
    std::vector<Instruction> after = instructions(words);
    // Sections keep their order: capabilities, ..., entry point, modes.
    const auto ranks = [](const Instruction& i) {
      return i.opcode == kCapability ? 0 : i.opcode == kExecutionMode ? 2 : 1;
    };
    const auto last_mode =
        std::ranges::find(after.rbegin(), after.rend(), kExecutionMode, &Instruction::opcode);
    EXPECT_TRUE(std::ranges::is_sorted(after.begin(), last_mode.base(), {}, ranks));
    for (const uint32_t capability : c.capabilities) {
      EXPECT_EQ(std::erase(after, Instruction{kCapability, {capability}}), 1u);
    }
    for (const uint32_t mode : c.modes) {
      EXPECT_EQ(std::erase(after, Instruction{kExecutionMode, {main_id, mode, 32}}), 1u);
    }
    EXPECT_EQ(after, before);
  }
}

}  // namespace
}  // namespace yoke::vulkan
