#include "gguf/gguf_value.h"

#include <limits>
#include <string>

#include "base/error.h"
#include "gguf/byte_reader.h"

namespace yoke {
namespace {

struct ValueTypeRow {
  const char* name;
  size_t bytes;
};
constexpr ValueTypeRow kValueTypes[kGgufValueTypes] = {
    {"uint8", 1}, {"int8", 1},   {"uint16", 2}, {"int16", 2},  {"uint32", 4}, {"int32", 4},   {"float32", 4},
    {"bool", 1},  {"string", 0}, {"array", 0},  {"uint64", 8}, {"int64", 8},  {"float64", 8},
};

// The fewest bytes that one element of an array may take.
size_t least_bytes(GgufValueType type) {
  if (type == GgufValueType::kString) return 8;
  if (type == GgufValueType::kArray) return 12;
  return fixed_bytes(type);
}

template <typename T>
T load(std::span<const std::byte> bytes) {
  return ByteReader(bytes).take<T>();
}

void check_bools(std::span<const std::byte> bytes) {
  for (const std::byte b : bytes) {
    if (b > std::byte{1})
      throw Malformed{"a bool is " + std::to_string(std::to_integer<int>(b)) + ", not 0 or 1"};
  }
}

void skip_array(ByteReader& reader, int depth) {
  if (depth >= kMaxArrayDepth) {
    throw Malformed{"arrays are nested more than " + std::to_string(kMaxArrayDepth) + " deep"};
  }
  const GgufValueType element = take_value_type(reader);
  const auto count = reader.take<uint64_t>();
  if (count > reader.remaining() / least_bytes(element)) {
    throw Malformed{"an array of " + std::to_string(count) + " elements goes past the end of the file"};
  }
  if (const size_t each = fixed_bytes(element); each != 0) {
    const auto elements = reader.take_bytes(count * each);
    if (element == GgufValueType::kBool) check_bools(elements);
    return;
  }
  for (uint64_t i = 0; i < count; ++i) skip_value(reader, element, depth + 1);
}

}  // namespace

const char* name_of(GgufValueType type) {
  return kValueTypes[static_cast<uint32_t>(type)].name;
}

size_t fixed_bytes(GgufValueType type) {
  return kValueTypes[static_cast<uint32_t>(type)].bytes;
}

bool is_float(GgufValueType type) {
  return type == GgufValueType::kFloat32 || type == GgufValueType::kFloat64;
}

bool is_integer(GgufValueType type) {
  return fixed_bytes(type) != 0 && type != GgufValueType::kBool && !is_float(type);
}

GgufValueType take_value_type(ByteReader& reader) {
  const auto id = reader.take<uint32_t>();
  if (id >= kGgufValueTypes)
    throw Malformed{"value type " + std::to_string(id) + " does not exist (0 to 12 do)"};
  return static_cast<GgufValueType>(id);
}

void skip_value(ByteReader& reader, GgufValueType type, int depth) {
  switch (type) {
    case GgufValueType::kString:
      reader.take_string();
      return;
    case GgufValueType::kArray:
      skip_array(reader, depth);
      return;
    default: {
      const auto bytes = reader.take_bytes(fixed_bytes(type));
      if (type == GgufValueType::kBool) check_bools(bytes);
    }
  }
}

std::optional<int64_t> GgufValue::as_i64() const {
  switch (type_) {
    case GgufValueType::kUint8:
      return load<uint8_t>(bytes_);
    case GgufValueType::kInt8:
      return load<int8_t>(bytes_);
    case GgufValueType::kUint16:
      return load<uint16_t>(bytes_);
    case GgufValueType::kInt16:
      return load<int16_t>(bytes_);
    case GgufValueType::kUint32:
      return load<uint32_t>(bytes_);
    case GgufValueType::kInt32:
      return load<int32_t>(bytes_);
    case GgufValueType::kInt64:
      return load<int64_t>(bytes_);
    case GgufValueType::kUint64: {
      const auto value = load<uint64_t>(bytes_);
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
      return static_cast<int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

std::optional<uint64_t> GgufValue::as_u64() const {
  if (type_ == GgufValueType::kUint64) return load<uint64_t>(bytes_);
  const auto value = as_i64();
  if (!value || *value < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::optional<double> GgufValue::as_f64() const {
  if (type_ == GgufValueType::kFloat32) return load<float>(bytes_);
  if (type_ == GgufValueType::kFloat64) return load<double>(bytes_);
  if (type_ == GgufValueType::kUint64) return static_cast<double>(load<uint64_t>(bytes_));
  const auto value = as_i64();
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}

std::optional<bool> GgufValue::as_bool() const {
  if (type_ != GgufValueType::kBool) return std::nullopt;
  return load<uint8_t>(bytes_) != 0;
}

std::optional<std::string_view> GgufValue::as_string() const {
  if (type_ != GgufValueType::kString) return std::nullopt;
  const auto text = bytes_.subspan(sizeof(uint64_t));
  return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
}

std::optional<GgufArray> GgufValue::as_array() const {
  if (type_ != GgufValueType::kArray) return std::nullopt;
  ByteReader reader(bytes_);
  const GgufValueType element = take_value_type(reader);
  const auto count = reader.take<uint64_t>();
  return GgufArray(element, count, bytes_.subspan(reader.position()));
}

GgufArray::Iterator::Iterator(GgufValueType type, std::span<const std::byte> bytes, uint64_t left)
    : current_(type, {}), rest_(bytes), left_(left) {
  find_current();
}

GgufArray::Iterator& GgufArray::Iterator::operator++() {
  rest_ = rest_.subspan(current_.bytes().size());
  --left_;
  find_current();
  return *this;
}

GgufArray::Iterator GgufArray::Iterator::operator++(int) {
  const Iterator before = *this;
  ++*this;
  return before;
}

// The lengths were checked when the file was opened; they are checked again because the file may have
// been written to since.
void GgufArray::Iterator::find_current() {
  if (left_ == 0) return;
  ByteReader reader(rest_);
  try {
    skip_value(reader, current_.type());
  } catch (const Malformed& m) {
    fail(ErrorKind::kBadFile, "reading an array of a GGUF file", m.what + " (the file changed while in use)");
  }
  current_ = {current_.type(), rest_.first(reader.position())};
}

}  // namespace yoke
