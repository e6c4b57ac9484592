// A file mapped read-only into memory, whole, with its identity at that moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fault_guard.h"

namespace yoke {

// Two equal identities mean the same, unchanged file.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t modified_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

class MappedFile {
 public:
  // Throws Error(kBadFile) for what is missing, unreadable, empty or no regular file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  const FileIdentity& identity() const { return identity_; }
  bool contains(std::span<const std::byte> range) const;

  // The process gives back the memory of the pages wholly inside the range; a later read fetches them again.
  void release_pages(std::span<const std::byte> range) const;
  // The system starts reading the range and returns at once.
  void prefetch(std::span<const std::byte> range) const;

 private:
  std::string path_;
  std::span<const std::byte> bytes_;
  FileIdentity identity_;
  GuardedRange guard_;
};

}  // namespace yoke
