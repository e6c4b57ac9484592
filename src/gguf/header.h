// The header of one GGUF file, checked in full: metadata, and where each tensor lies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gguf/gguf_type.h"
#include "gguf/gguf_value.h"

namespace yoke {

struct MetadataEntry {
  std::string key;
  GgufValue value;  // a view into the mapping
};

// In the file's order, with a lookup by key.
class Metadata {
 public:
  const std::vector<MetadataEntry>& entries() const { return entries_; }
  const GgufValue* find(std::string_view key) const;
  // False where the key is there already.
  bool add(std::string key, GgufValue value);

 private:
  std::vector<MetadataEntry> entries_;
  std::unordered_map<std::string, size_t> index_;
};

struct TensorInfo {
  std::string name;
  const GgufType* type = nullptr;
  int rank = 0;                                 // dimensions that the file names, 0 (one value) to 4
  std::array<int64_t, 4> shape = {1, 1, 1, 1};  // the row's length first; 1 past the rank
  size_t shard = 0;                             // index of its file
  uint64_t offset = 0;                          // from the start of its file
  uint64_t bytes = 0;
  std::span<const std::byte> data;  // (bytes), in the mapping

  uint32_t type_id() const { return type->id; }
  int64_t elements() const { return shape[0] * shape[1] * shape[2] * shape[3]; }
  int64_t rows() const { return shape[1] * shape[2] * shape[3]; }
  uint64_t row_bytes() const {
    return static_cast<uint64_t>(shape[0]) / type->block_values * type->block_bytes;
  }
};

struct GgufHeader {
  uint32_t version = 0;
  uint64_t alignment = 0;
  uint64_t data_start = 0;  // of the tensors' data, from the start of the file
  Metadata metadata;
  std::vector<TensorInfo> tensors;  // in the file's order
};

constexpr uint64_t kDefaultGgufAlignment = 32;
constexpr uint64_t kMaxGgufAlignment = 1u << 30;
constexpr size_t kMaxKeyBytes = 65535;
constexpr size_t kMaxTensorNameBytes = 1024;

// The bytes of a tensor, or nothing where the shape does not suit the type or overflows; `why` then says so.
std::optional<uint64_t> tensor_bytes(const GgufType& type, std::span<const int64_t> shape, std::string* why);

// `bytes` is the whole file. Throws Error(kBadFile) with one line that names file and field.
GgufHeader parse_gguf_header(std::span<const std::byte> bytes, const std::string& path);

}  // namespace yoke
