#include "devices/vulkan/shaders.h"

#include <string>

#include "base/error.h"

namespace yoke::vulkan {
namespace {

#include "arrays.inc"

struct Shader {
  std::string_view name;
  std::span<const uint32_t> words;
};

constexpr Shader kShaders[] = {
#include "table.inc"
};

}  // namespace

std::span<const uint32_t> spirv(std::string_view name) {
  for (const Shader& s : kShaders) {
    if (s.name == name) return s.words;
  }
  fail(ErrorKind::kRuntime, "looking for a shader", std::string(name) + " is not in this build");
}

}  // namespace yoke::vulkan
