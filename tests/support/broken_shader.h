// Shaders that are wrong on purpose.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace yoke::test {

// Turns the operation `from` into `to`, which takes the same operands (SPIR-V's opcodes). How many there
// were.
inline int turn(std::vector<uint32_t>& words, uint32_t from, uint32_t to) {
  constexpr size_t kHeaderWords = 5;
  int turned = 0;
  for (size_t at = kHeaderWords; at < words.size() && words[at] >> 16 != 0; at += words[at] >> 16) {
    if ((words[at] & 0xFFFF) != from) continue;
    words[at] = (words[at] & 0xFFFF0000u) | to;
    ++turned;
  }
  return turned;
}

// For VulkanOptions::alter_shader: in shaders whose name starts so every addition of floats becomes a
// subtraction; where there is none, every subtraction of integers an addition.
inline std::function<void(std::string_view, std::vector<uint32_t>&)> broken_shader(std::string prefix) {
  return [prefix = std::move(prefix)](std::string_view shader, std::vector<uint32_t>& words) {
    constexpr uint32_t kIAdd = 128, kFAdd = 129, kISub = 130, kFSub = 131;
    if (!shader.starts_with(prefix)) return;
    if (turn(words, kFAdd, kFSub) == 0) turn(words, kISub, kIAdd);
  };
}

}  // namespace yoke::test
