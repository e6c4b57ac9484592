// Where each weight of a Net comes from: its bytes in the mapped file. Every other copy is a cache of these.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "gguf/gguf_file.h"
#include "program/net.h"

namespace yoke {

struct WeightHome {
  std::span<const std::byte> bytes;  // stored_bytes(type, rows, cols)
  DType type = DType::kF32;
  int64_t rows = 0;
  int64_t cols = 0;
  bool vector = false;  // becomes f32 wherever it goes
};

struct WeightHomes {
  std::vector<WeightHome> weights;  // [net.weights]
  // Told which range will be read soon, and which has been copied and need not stay in memory. Called from
  // several threads; may be empty.
  std::function<void(std::span<const std::byte>)> prefetch;
  std::function<void(std::span<const std::byte>)> release_pages;
};

// The Net's weights found by name in the file, which must outlive the result. A tensor that is missing, or
// whose type or size differs from the Net's, throws Error(kBadFile).
WeightHomes gguf_homes(const Net& net, const GgufFile& file);

}  // namespace yoke
