// Writes a GGUF v3 file: metadata, tensor list, then the tensors' data as a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "gguf/encoded_value.h"
#include "gguf/gguf_type.h"
#include "gguf/header.h"

namespace yoke {

class AtomicFile;

// Order of calls: set and declare as often as wanted, append until all declared bytes are there, finish. The
// file appears under its name in finish(), complete, or never. Errors are Error(kRuntime).
class GgufWriter {
 public:
  explicit GgufWriter(std::string path);
  ~GgufWriter();

  // A key that is there already keeps its place and gets the new value. "general.alignment" (a power of two
  // from 8 up) also sets the alignment of the tensors' data, 32 without it.
  void set(const std::string& key, EncodedValue value);
  // Copies a value of another file.
  void set(const std::string& key, const GgufValue& value);
  void set(const std::string& key, std::string_view text) { set(key, EncodedValue::text(text)); }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void set(const std::string& key, T number) { set(key, EncodedValue::number(number)); }

  // shape: the row's length first, at most four dimensions. The data follow in the order of the declarations.
  void declare(const std::string& name, uint32_t type_id, std::span<const int64_t> shape);

  // Of the whole file; known once all is declared.
  uint64_t total_bytes() const;

  // Reserves the space and writes the header; append() and finish() do it where the caller did not.
  void begin();
  // The next bytes of the tensor at hand; in pieces of any size that end where the tensor ends.
  void append(std::span<const std::byte> bytes);
  void finish();

 private:
  struct Entry {
    std::string key;
    EncodedValue value;
  };

  [[noreturn]] void fail_writing(const std::string& wrong) const;
  void check_not_begun() const;
  std::vector<std::byte> header_bytes() const;
  void pad_to_alignment();

  std::string path_;
  uint64_t alignment_ = kDefaultGgufAlignment;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> entry_index_;
  std::vector<TensorInfo> tensors_;
  std::unordered_map<std::string, size_t> tensor_index_;
  std::unique_ptr<AtomicFile> file_;
  bool finished_ = false;
  size_t tensor_ = 0;         // the one at hand
  uint64_t tensor_done_ = 0;  // bytes of it
};

}  // namespace yoke
