// Gathers values in the file's little-endian encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace yoke {

class ByteSink {
 public:
  void bytes(std::span<const std::byte> more) {
    if (more.empty()) return;
    const size_t old = bytes_.size();
    bytes_.resize(old + more.size());
    std::memcpy(bytes_.data() + old, more.data(), more.size());
  }
  template <typename T>
  void number(T value) {
    bytes(std::as_bytes(std::span(&value, 1)));
  }
  // A length of 64 bits, then the text.
  void text(std::string_view t) {
    number<uint64_t>(t.size());
    bytes(std::as_bytes(std::span(t.data(), t.size())));
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace yoke
