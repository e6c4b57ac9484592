// A metadata value in the file's own encoding, made from C++ values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
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

  static EncodedValue text(std::string_view text);

  // Of a vector, an array or a span of numbers.
  template <std::ranges::contiguous_range R>
  requires std::is_arithmetic_v<std::ranges::range_value_t<R>>
  static EncodedValue numbers(const R& values) {
    const std::span all(values);
    ByteSink sink = array_start(gguf_value_type_of<std::ranges::range_value_t<R>>(), all.size());
    sink.bytes(std::as_bytes(all));
    return {GgufValueType::kArray, sink.take()};
  }

  // Of any container of strings or string views.
  template <std::ranges::sized_range R>
  requires std::is_convertible_v<std::ranges::range_value_t<R>, std::string_view>
  static EncodedValue texts(const R& values) {
    ByteSink sink = array_start(GgufValueType::kString, std::ranges::size(values));
    for (const auto& t : values) sink.text(t);
    return {GgufValueType::kArray, sink.take()};
  }

  // An array whose elements are given one by one, all of one type.
  static EncodedValue array(GgufValueType element_type, std::span<const EncodedValue> elements);

 private:
  static ByteSink array_start(GgufValueType element_type, uint64_t count);
};

}  // namespace yoke
