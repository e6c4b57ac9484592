// A new file that appears under its name only when it is complete and on the disk, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace yoke {

// Where the file system allows it the unfinished file has no name, so that even a killed process leaves
// nothing behind; elsewhere it is called NAME.partial-PID-N and an error removes it. All errors are
// Error(kRuntime).
class AtomicFile {
 public:
  enum class Temporary { kUnnamedIfPossible, kNamed };

  // An existing file stays until commit(). Room for expected_bytes is reserved at once where possible, so
  // that a full disk shows now.
  AtomicFile(const std::string& path, uint64_t expected_bytes,
             Temporary temporary = Temporary::kUnnamedIfPossible);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  // Over or beyond what was written; what lies between is zero. position() stays the furthest end.
  void write_at(uint64_t offset, std::span<const std::byte> bytes);
  uint64_t position() const { return position_; }
  // To the disk, then under the name.
  void commit();

 private:
  [[noreturn]] void fail_write(const std::string& doing_what, int error) const;
  void discard();
  void open_unnamed(const std::string& folder);
  void open_named();
  void reserve(uint64_t bytes);
  void write_through(uint64_t offset, std::span<const std::byte> bytes);
  void flush();
  void sync_folder() const;

  std::string path_;            // as given, for messages
  std::string target_;          // symbolic links resolved
  std::string temporary_path_;  // empty while the file has no name
  int fd_ = -1;
  uint64_t position_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace yoke
