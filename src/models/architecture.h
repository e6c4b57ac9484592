// The architectures Yoke can run: each is one file that describes its Net.
#pragma once

#include <span>
#include <string_view>

#include "gguf/gguf_file.h"
#include "program/net.h"

namespace yoke {

struct Architecture {
  std::string_view name;  // general.architecture
  Net (*build)(const GgufFile& file);
};

std::span<const Architecture> architectures();

// Reads metadata and tensor shapes only, no weights. Throws kBadFile: an unknown architecture (the known ones
// are listed), a missing or misshapen tensor, a type that cannot be run.
Net build_net(const GgufFile& file);

Net build_llama(const GgufFile& file);
Net build_qwen2(const GgufFile& file);
Net build_qwen3(const GgufFile& file);

}  // namespace yoke
