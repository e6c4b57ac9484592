// Split models: NAME-00001-of-00003.gguf and its siblings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gguf/header.h"

namespace yoke {

// A path taken apart at "-NNNNN-of-NNNNN.gguf".
struct SplitName {
  std::string prefix;
  uint64_t number = 0;  // from 1
  uint64_t count = 0;

  static std::optional<SplitName> parse(const std::string& path);
  std::string path_of(uint64_t shard_number) const;
};

// What a shard's metadata says of itself; count 1 where the file is whole.
struct SplitPlace {
  uint64_t index = 0;  // from 0
  uint64_t count = 1;
  std::optional<uint64_t> total_tensors;
};

SplitPlace split_place(const Metadata& metadata, const std::string& path);

}  // namespace yoke
