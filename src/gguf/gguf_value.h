// A metadata value as it lies in the file: typed views, nothing copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace yoke {

enum class GgufValueType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};
constexpr uint32_t kGgufValueTypes = 13;

// "uint32", "string", "array" ...
const char* name_of(GgufValueType type);
// 0 for strings and arrays, whose size is their own matter.
size_t fixed_bytes(GgufValueType type);
bool is_integer(GgufValueType type);
bool is_float(GgufValueType type);

class ByteReader;
class GgufArray;

// Walks over one value and checks all of it; throws Malformed (byte_reader.h). Arrays in arrays: at most
// kMaxArrayDepth levels.
constexpr int kMaxArrayDepth = 4;
GgufValueType take_value_type(ByteReader& reader);
void skip_value(ByteReader& reader, GgufValueType type, int depth = 0);

class GgufValue {
 public:
  // `bytes` is the value as skip_value has checked it.
  GgufValue(GgufValueType type, std::span<const std::byte> bytes) : type_(type), bytes_(bytes) {}

  GgufValueType type() const { return type_; }
  // As stored: without the type's id; strings and arrays with their lengths.
  std::span<const std::byte> bytes() const { return bytes_; }

  // Nothing where the type is another one or the number does not fit. Any integer type counts as an integer;
  // integers count as floats; bools are only bools.
  std::optional<uint64_t> as_u64() const;
  std::optional<int64_t> as_i64() const;
  std::optional<double> as_f64() const;
  std::optional<bool> as_bool() const;
  std::optional<std::string_view> as_string() const;
  std::optional<GgufArray> as_array() const;

 private:
  GgufValueType type_;
  std::span<const std::byte> bytes_;
};

// Elements one after another, of any type; a walk costs nothing but the steps.
class GgufArray {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = GgufValue;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = GgufValue;

    Iterator() = default;
    GgufValue operator*() const { return current_; }
    Iterator& operator++();
    Iterator operator++(int);
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    friend class GgufArray;
    Iterator(GgufValueType type, std::span<const std::byte> bytes, uint64_t left);
    void find_current();
    GgufValue current_{GgufValueType::kUint8, {}};
    std::span<const std::byte> rest_;  // from the current element on
    uint64_t left_ = 0;                // elements from the current one on
  };

  GgufArray(GgufValueType element_type, uint64_t size, std::span<const std::byte> elements)
      : element_type_(element_type), size_(size), elements_(elements) {}

  GgufValueType element_type() const { return element_type_; }
  uint64_t size() const { return size_; }
  std::span<const std::byte> bytes() const { return elements_; }
  Iterator begin() const { return {element_type_, elements_, size_}; }
  Iterator end() const { return {element_type_, {}, 0}; }

 private:
  GgufValueType element_type_;
  uint64_t size_;
  std::span<const std::byte> elements_;
};

// The strings of an array in order. There is no index: keep to_vector() where one is needed.
class GgufStrings {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = std::string_view;

    Iterator() = default;
    explicit Iterator(GgufArray::Iterator at) : at_(at) {}
    std::string_view operator*() const { return *(*at_).as_string(); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    GgufArray::Iterator at_;
  };

  explicit GgufStrings(GgufArray array) : array_(array) {}
  uint64_t size() const { return array_.size(); }
  Iterator begin() const { return Iterator(array_.begin()); }
  Iterator end() const { return Iterator(array_.end()); }
  std::vector<std::string_view> to_vector() const { return {begin(), end()}; }

 private:
  GgufArray array_;
};

// The numbers of an array, converted from whatever type the file has; the bytes need not be aligned.
template <typename T>
class GgufNumbers {
 public:
  // The array's elements are integers, floats or bools.
  explicit GgufNumbers(GgufArray array) : array_(array), stride_(fixed_bytes(array.element_type())) {}
  uint64_t size() const { return array_.size(); }

  // i < size()
  T operator[](uint64_t i) const {
    const std::byte* at = array_.bytes().data() + i * stride_;
    switch (array_.element_type()) {
      case GgufValueType::kUint8:
        return read<uint8_t>(at);
      case GgufValueType::kInt8:
        return read<int8_t>(at);
      case GgufValueType::kUint16:
        return read<uint16_t>(at);
      case GgufValueType::kInt16:
        return read<int16_t>(at);
      case GgufValueType::kUint32:
        return read<uint32_t>(at);
      case GgufValueType::kInt32:
        return read<int32_t>(at);
      case GgufValueType::kUint64:
        return read<uint64_t>(at);
      case GgufValueType::kInt64:
        return read<int64_t>(at);
      case GgufValueType::kFloat32:
        return read<float>(at);
      case GgufValueType::kFloat64:
        return read<double>(at);
      case GgufValueType::kBool:
        return static_cast<T>(read<uint8_t>(at) != 0);
      case GgufValueType::kString:
      case GgufValueType::kArray:
        break;
    }
    return T{};
  }

  std::vector<T> to_vector() const {
    std::vector<T> all(size());
    for (uint64_t i = 0; i < all.size(); ++i) all[i] = (*this)[i];
    return all;
  }

 private:
  template <typename Stored>
  static T read(const std::byte* at) {
    Stored value;
    std::memcpy(&value, at, sizeof value);
    return static_cast<T>(value);
  }

  GgufArray array_;
  size_t stride_;
};

}  // namespace yoke
