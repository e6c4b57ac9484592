#include <array>
#include <string>

#include "base/error.h"
#include "gguf/printable.h"
#include "models/architecture.h"

namespace yoke {
namespace {

constexpr std::array kArchitectures = {
    Architecture{"llama", build_llama},
    Architecture{"qwen2", build_qwen2},
    Architecture{"qwen3", build_qwen3},
};

}  // namespace

std::span<const Architecture> architectures() {
  return kArchitectures;
}

Net build_net(const GgufFile& file) {
  const std::string_view name = file.need_string("general.architecture");
  std::string known;
  for (const Architecture& a : kArchitectures) {
    if (a.name == name) return a.build(file);
    known += (known.empty() ? "" : ", ") + std::string(a.name);
  }
  fail(ErrorKind::kBadFile, "reading " + file.path(),
       "general.architecture: \"" + printable(name, 64) + "\" cannot be run (supported: " + known +
           "; `yoke inspect` shows the file)");
}

}  // namespace yoke
