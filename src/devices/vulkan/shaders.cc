#include "devices/vulkan/shaders.h"

#include <xxhash.h>

#include <cstdio>
#include <memory>

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

std::string shaders_hash(const AlterShader& alter) {
  const std::unique_ptr<XXH64_state_t, XXH_errorcode (*)(XXH64_state_t*)> state(XXH64_createState(),
                                                                                XXH64_freeState);
  XXH64_reset(state.get(), 0);
  for (const Shader& s : kShaders) {
    XXH64_update(state.get(), s.name.data(), s.name.size());
    std::span<const uint32_t> words = s.words;
    std::vector<uint32_t> altered;
    if (alter) {
      altered.assign(words.begin(), words.end());
      alter(s.name, altered);
      words = altered;
    }
    XXH64_update(state.get(), words.data(), words.size_bytes());
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(XXH64_digest(state.get())));
  return text;
}

}  // namespace yoke::vulkan
