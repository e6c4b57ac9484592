// Opens bytes as a GGUF file and, if they are accepted, looks at every bit of it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "gguf/gguf_file.h"

namespace yoke::test {

// A file in memory with a path, for code that opens paths.
class MemoryFile {
 public:
  explicit MemoryFile(std::span<const std::byte> bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// Reads all metadata through every lookup, all bytes of all tensors, and inspects the file as text and JSON.
// Returns a number that depends on everything read.
size_t walk_completely(const GgufFile& file);

// The error's text where the bytes are rejected (an Error of kind kBadFile and one printable line, else this
// throws std::logic_error), nothing where they are accepted; then `accepted` has seen the file.
std::optional<std::string> try_gguf(std::span<const std::byte> bytes,
                                    const std::function<void(const GgufFile&)>& accepted);

}  // namespace yoke::test
