#include "convert/recipe.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.h"

namespace yoke {
namespace {

// Blocks that get more bits in the _M mixes.
bool more_bits(int32_t block, int32_t blocks) {
  const int32_t eighth = blocks / 8;
  return block < eighth || block >= 7 * blocks / 8 || (block - eighth) % 3 == 2;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::toupper(static_cast<unsigned char>(x)) == std::toupper(static_cast<unsigned char>(y));
  });
}

// general.file_type of pure files.
uint32_t pure_file_type(DType type) {
  switch (type) {
    case DType::kF32:
      return 0;
    case DType::kF16:
      return 1;
    case DType::kQ4_0:
      return 2;
    case DType::kQ4_1:
      return 3;
    case DType::kQ8_0:
      return 7;
    case DType::kQ5_0:
      return 8;
    case DType::kQ5_1:
      return 9;
    case DType::kQ2_K:
      return 10;
    case DType::kQ3_K:
      return 12;
    case DType::kQ4_K:
      return 15;
    case DType::kQ5_K:
      return 17;
    case DType::kQ6_K:
      return 18;
    case DType::kIQ4_NL:
      return 25;
    case DType::kIQ4_XS:
      return 30;
    case DType::kBF16:
      return 32;
    case DType::kMXFP4:
      return 38;
  }
  return 0;
}

struct MixRow {
  std::string_view name;
  DType base;
  uint32_t file_type;
};
// In the order of QuantizeType::Mix, without kNone.
constexpr std::array<MixRow, 5> kMixes = {{{"Q3_K_M", DType::kQ3_K, 12},
                                           {"Q4_K_S", DType::kQ4_K, 14},
                                           {"Q4_K_M", DType::kQ4_K, 15},
                                           {"Q5_K_S", DType::kQ5_K, 16},
                                           {"Q5_K_M", DType::kQ5_K, 17}}};

}  // namespace

std::vector<std::string> QuantizeType::known_names() {
  std::vector<std::string> names;
  for (const DTypeTraits& t : all_dtypes()) names.emplace_back(t.name);
  for (const MixRow& row : kMixes) names.emplace_back(row.name);
  return names;
}

QuantizeType QuantizeType::parse(std::string_view name) {
  QuantizeType result;
  if (const auto pure = dtype_from_name(name)) {
    result.name_ = traits(*pure).name;
    result.base_ = *pure;
    result.file_type_ = pure_file_type(*pure);
    return result;
  }
  for (size_t i = 0; i < kMixes.size(); ++i) {
    if (!same_name(kMixes[i].name, name)) continue;
    result.name_ = kMixes[i].name;
    result.base_ = kMixes[i].base;
    result.file_type_ = kMixes[i].file_type;
    result.mix_ = static_cast<Mix>(i + 1);
    return result;
  }
  std::string known;
  for (const std::string& n : known_names()) known += (known.empty() ? "" : " ") + n;
  fail(ErrorKind::kUsage, "reading --type",
       "\"" + std::string(name) + "\" is no type (known: " + known + ")");
}

DType QuantizeType::type_for(const Tensor& t) const {
  if (mix_ == Mix::kNone) return base_;
  if (t.is_output) return DType::kQ6_K;
  const bool value = t.name.ends_with("attn_v.weight");
  const bool down = t.name.ends_with("ffn_down.weight");
  const bool more = more_bits(t.block, t.blocks);
  switch (mix_) {
    case Mix::kQ3_K_M:
      if (value) return t.block < 2 ? DType::kQ5_K : DType::kQ4_K;
      if (down) return t.block < t.blocks / 16 ? DType::kQ5_K : DType::kQ4_K;
      return t.name.ends_with("attn_output.weight") ? DType::kQ4_K : base_;
    case Mix::kQ4_K_S:
      if (value && t.block < 4) return DType::kQ5_K;
      return down && t.block < t.blocks / 8 ? DType::kQ5_K : base_;
    case Mix::kQ4_K_M:
    case Mix::kQ5_K_M:
      return (value || down) && more ? DType::kQ6_K : base_;
    case Mix::kQ5_K_S:
    case Mix::kNone:
      break;
  }
  return base_;
}

DType with_fallback(DType type, int64_t row_length) {
  while (row_length % traits(type).block != 0) {
    if (traits(type).fallback == type) return DType::kF16;
    type = traits(type).fallback;
  }
  return type;
}

}  // namespace yoke
