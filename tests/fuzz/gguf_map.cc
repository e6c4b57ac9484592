#include "fuzz/gguf_map.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "gguf/byte_reader.h"
#include "gguf/gguf_value.h"

namespace yoke::test {
namespace {

constexpr uint64_t kListedElements = 64;

class Mapper {
 public:
  explicit Mapper(std::span<const std::byte> bytes) : bytes_(bytes), reader_(bytes) {}

  GgufMap map() {
    try {
      walk();
    } catch (const Malformed&) {
    }
    map_.header_end = reader_.position();
    return std::move(map_);
  }

 private:
  using Kind = GgufFieldKind;

  template <typename T>
  T take(Kind kind) {
    const size_t begin = reader_.position();
    const T value = reader_.take<T>();
    if (listing_) map_.fields.push_back({kind, begin, sizeof(T)});
    return value;
  }

  std::string_view take_text() {
    const size_t begin = reader_.position();
    const std::string_view text = reader_.take_string();
    const size_t bytes = text.size();
    if (!listing_) return text;
    map_.fields.push_back({Kind::kLength, begin, 8});
    if (bytes > 0) map_.fields.push_back({Kind::kText, begin + 8, bytes});
    return text;
  }

  void take_value(uint32_t type_id, int depth) {
    if (type_id >= kGgufValueTypes || depth > kMaxArrayDepth) throw Malformed{""};
    const auto type = static_cast<GgufValueType>(type_id);
    if (type == GgufValueType::kArray) return take_array(depth);
    if (type == GgufValueType::kString) {
      take_text();
      return;
    }
    const size_t begin = reader_.position();
    reader_.take_bytes(fixed_bytes(type));
    if (listing_) map_.fields.push_back({Kind::kScalar, begin, fixed_bytes(type)});
  }

  void take_array(int depth) {
    const auto element = take<uint32_t>(Kind::kValueType);
    const auto count = take<uint64_t>(Kind::kArrayCount);
    const bool listing = listing_;
    for (uint64_t i = 0; i < count; ++i) {
      listing_ = listing && (i < kListedElements || i + 1 == count);
      take_value(element, depth + 1);
    }
    listing_ = listing;
  }

  void walk() {
    const size_t begin = reader_.position();
    reader_.take_bytes(4);
    map_.fields.push_back({Kind::kMagic, begin, 4});
    take<uint32_t>(Kind::kVersion);
    const auto tensors = take<uint64_t>(Kind::kTensorCount);
    const auto entries = take<uint64_t>(Kind::kEntryCount);
    for (uint64_t i = 0; i < entries; ++i) {
      const size_t entry = reader_.position();
      const std::string_view key = take_text();
      const auto type = take<uint32_t>(Kind::kValueType);
      take_value(type, 0);
      if (key == "general.alignment" && type == static_cast<uint32_t>(GgufValueType::kUint32)) {
        const auto alignment = ByteReader(bytes_, reader_.position() - 4).take<uint32_t>();
        if (alignment >= 8 && alignment <= 4096) map_.alignment = alignment;
      }
      map_.entries.push_back({entry, reader_.position()});
    }
    for (uint64_t i = 0; i < tensors; ++i) {
      const size_t tensor = reader_.position();
      take_text();
      const auto rank = take<uint32_t>(Kind::kRank);
      for (uint32_t d = 0; d < std::min(rank, 8u); ++d) take<uint64_t>(Kind::kDimension);
      take<uint32_t>(Kind::kTensorType);
      take<uint64_t>(Kind::kOffset);
      map_.tensors.push_back({tensor, reader_.position()});
    }
  }

  std::span<const std::byte> bytes_;
  ByteReader reader_;
  bool listing_ = true;
  GgufMap map_;
};

}  // namespace

GgufMap map_gguf(std::span<const std::byte> bytes) {
  return Mapper(bytes).map();
}

}  // namespace yoke::test
