// A GGUF model, mapped read-only and checked in full: metadata, tensors, and all shards of a split file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gguf/gguf_value.h"
#include "gguf/header.h"
#include "gguf/mapped_file.h"

namespace yoke {

class GgufFile {
 public:
  // GGUF v2 and v3, little-endian. Of a split model any shard may be given; all are opened. Throws
  // Error(kBadFile), one line that names file and field. Views below live as long as this object (moves keep
  // them).
  static GgufFile open(const std::string& path);

  // As given to open().
  const std::string& path() const { return path_; }
  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  size_t shards() const { return files_.size(); }
  const std::string& shard_path(size_t shard) const { return files_[shard].path(); }
  uint64_t shard_bytes(size_t shard) const { return files_[shard].bytes().size(); }
  // Of all files together.
  uint64_t total_bytes() const;
  // One entry per shard.
  std::vector<FileIdentity> identity() const;

  // In the first shard's order.
  const std::vector<MetadataEntry>& metadata() const { return metadata_.entries(); }
  // nullptr where the key is missing.
  const GgufValue* find(std::string_view key) const { return metadata_.find(key); }

  // Nothing where the key is missing; Error(kBadFile) that names file and key where it has another type.
  // Integers: any integer type, if the value fits. Floats: any float or integer type. Name the result before
  // a range-for walks over it: the optional must outlive the loop.
  std::optional<uint64_t> find_u64(std::string_view key) const;
  std::optional<int64_t> find_i64(std::string_view key) const;
  std::optional<double> find_f64(std::string_view key) const;
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::string_view> find_string(std::string_view key) const;
  std::optional<GgufArray> find_array(std::string_view key) const;
  std::optional<GgufStrings> find_strings(std::string_view key) const;
  // Elements of any float type.
  std::optional<GgufNumbers<float>> find_floats(std::string_view key) const;
  // Elements of any integer type (that fit) or bools as 0 and 1.
  std::optional<GgufNumbers<int64_t>> find_integers(std::string_view key) const;

  // The same, but a missing key is an error too.
  uint64_t need_u64(std::string_view key) const { return need(find_u64(key), key); }
  double need_f64(std::string_view key) const { return need(find_f64(key), key); }
  std::string_view need_string(std::string_view key) const { return need(find_string(key), key); }
  GgufStrings need_strings(std::string_view key) const { return need(find_strings(key), key); }

  // In the shards' order, within a shard in the file's order.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  // nullptr where there is none of that name.
  const TensorInfo* find_tensor(std::string_view name) const;

  // `range` lies in a tensor's data. Gives the memory of its pages back / starts to read them.
  void release_pages(std::span<const std::byte> range) const;
  void prefetch(std::span<const std::byte> range) const;

 private:
  GgufFile() = default;
  void add_shard(MappedFile file, GgufHeader header);
  [[noreturn]] void fail_key(std::string_view key, const std::string& wrong) const;
  [[noreturn]] void fail_type(std::string_view key, const GgufValue& value, const char* wanted) const;

  template <typename T>
  T need(std::optional<T> value, std::string_view key) const {
    if (!value) fail_key(key, "the key is missing (convert the model again with a current tool)");
    return *value;
  }

  std::string path_;
  uint32_t version_ = 0;
  uint64_t alignment_ = 0;
  std::vector<MappedFile> files_;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string, size_t> tensor_index_;
};

}  // namespace yoke
