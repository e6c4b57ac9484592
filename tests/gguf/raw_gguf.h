// A GGUF file put together field by field, so that a test can make any one of them wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/byte_sink.h"
#include "gguf/encoded_value.h"

namespace yoke::test {

class RawGguf {
 public:
  RawGguf& magic(std::string_view text = "GGUF") { return raw(text); }
  RawGguf& start(uint64_t tensors, uint64_t entries, uint32_t version = 3) {
    return magic().number(version).number(tensors).number(entries);
  }
  template <typename T>
  RawGguf& number(T value) {
    sink_.number(value);
    bytes_ += sizeof value;
    return *this;
  }
  RawGguf& text(std::string_view t) { return number<uint64_t>(t.size()).raw(t); }
  RawGguf& raw(std::string_view t) {
    sink_.bytes(std::as_bytes(std::span(t.data(), t.size())));
    bytes_ += t.size();
    return *this;
  }
  RawGguf& entry(std::string_view key, const EncodedValue& value) {
    text(key).number(static_cast<uint32_t>(value.type));
    return raw({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
  }
  RawGguf& tensor(std::string_view name, const std::vector<uint64_t>& shape, uint32_t type, uint64_t offset) {
    text(name).number(static_cast<uint32_t>(shape.size()));
    for (const uint64_t n : shape) number(n);
    return number(type).number(offset);
  }
  RawGguf& pad(uint64_t alignment = 32) {
    while (bytes_ % alignment != 0) number<uint8_t>(0);
    return *this;
  }
  RawGguf& data(uint64_t n) { return raw(std::string(n, 'd')); }
  std::vector<std::byte> take() { return sink_.take(); }

 private:
  ByteSink sink_;
  uint64_t bytes_ = 0;
};

}  // namespace yoke::test
