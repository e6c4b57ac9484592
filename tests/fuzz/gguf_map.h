// Where each field of a GGUF file's header lies.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace yoke::test {

enum class GgufFieldKind {
  kMagic,
  kVersion,
  kTensorCount,
  kEntryCount,
  kLength,  // of a string
  kText,
  kValueType,  // also of an array's elements
  kArrayCount,
  kScalar,  // a value of a fixed size, also an array's element
  kRank,
  kDimension,
  kTensorType,
  kOffset,
};

struct GgufField {
  GgufFieldKind kind;
  size_t begin = 0;
  size_t bytes = 0;
};

struct GgufRange {
  size_t begin = 0;
  size_t end = 0;
};

struct GgufMap {
  std::vector<GgufField> fields;
  std::vector<GgufRange> entries;  // of the metadata, key to value
  std::vector<GgufRange> tensors;  // their descriptions
  size_t header_end = 0;
  size_t alignment = 32;  // of the tensors' data

  size_t data_start(size_t end_of_header) const {
    return (end_of_header + alignment - 1) / alignment * alignment;
  }
};

// Reads as far as the file makes sense; of long arrays only some elements are listed.
GgufMap map_gguf(std::span<const std::byte> bytes);

}  // namespace yoke::test
