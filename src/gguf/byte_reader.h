// Takes little-endian values off a range of bytes and never reads past its end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace yoke {

static_assert(std::endian::native == std::endian::little, "GGUF values are used as they lie in the file");

// What is wrong with the bytes at hand; the reader of the file adds the file and the field.
struct Malformed {
  std::string what;
};

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes, size_t position = 0)
      : bytes_(bytes), position_(position) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  std::span<const std::byte> take_bytes(size_t n) {
    if (n > remaining()) throw Malformed{"the file ends inside it"};
    const auto taken = bytes_.subspan(position_, n);
    position_ += n;
    return taken;
  }

  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, take_bytes(sizeof(T)).data(), sizeof(T));
    return value;
  }

  // A length of 64 bits, then that many bytes.
  std::string_view take_string() {
    const auto length = take<uint64_t>();
    if (length > remaining()) {
      throw Malformed{"a string of " + std::to_string(length) + " bytes goes past the end of the file"};
    }
    const auto text = take_bytes(length);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  size_t position_;
};

}  // namespace yoke
