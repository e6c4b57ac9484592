// A metadata value in the file's own encoding, made from C++ values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gguf/byte_sink.h"
#include "gguf/gguf_value.h"

namespace yoke {

template <typename T>
constexpr GgufValueType gguf_value_type_of() {
  if constexpr (std::is_same_v<T, bool>) return GgufValueType::kBool;
  if constexpr (std::is_same_v<T, float>) return GgufValueType::kFloat32;
  if constexpr (std::is_same_v<T, double>) return GgufValueType::kFloat64;
  constexpr GgufValueType kSigned[] = {GgufValueType::kInt8, GgufValueType::kInt16, GgufValueType::kInt32,
                                       GgufValueType::kInt64};
  constexpr GgufValueType kUnsigned[] = {GgufValueType::kUint8, GgufValueType::kUint16,
                                         GgufValueType::kUint32, GgufValueType::kUint64};
  constexpr int kSize = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
  return std::is_signed_v<T> ? kSigned[kSize] : kUnsigned[kSize];
}

struct EncodedValue {
  GgufValueType type;
  std::vector<std::byte> bytes;

  GgufValue view() const { return {type, bytes}; }

  // The C++ type chooses the GGUF type: bool, all integers of 8 to 64 bits, float, double.
  template <typename T>
  requires std::is_arithmetic_v<T>
  static EncodedValue number(T value) {
    ByteSink sink;
    sink.number(value);
    return {gguf_value_type_of<T>(), sink.take()};
  }

  template <typename T>
  requires std::is_arithmetic_v<T>
  static EncodedValue numbers(std::span<const T> values) {
    ByteSink sink = array_start(gguf_value_type_of<T>(), values.size());
    sink.bytes(std::as_bytes(values));
    return {GgufValueType::kArray, sink.take()};
  }

  static EncodedValue text(std::string_view text);
  static EncodedValue texts(std::span<const std::string> texts);
  static EncodedValue texts(std::span<const std::string_view> texts);

  // An array whose elements are given one by one, all of one type.
  static EncodedValue array(GgufValueType element_type, std::span<const EncodedValue> elements);

 private:
  static ByteSink array_start(GgufValueType element_type, uint64_t count);
};

}  // namespace yoke
