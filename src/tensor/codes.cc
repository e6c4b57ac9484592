#include "tensor/codes.h"

#include <bit>

#include "tensor/half.h"

namespace yoke {
namespace {

using Map = std::array<int8_t, 256>;

constexpr Map minus(int offset) {
  Map map{};
  for (int i = 0; i < 256; ++i) map[i] = static_cast<int8_t>(static_cast<uint8_t>(i - offset));
  return map;
}
constexpr Map from_table(const std::array<int8_t, 16>& values) {
  Map map{};
  for (int i = 0; i < 256; ++i) map[i] = values[i % 16];
  return map;
}

constexpr Map kPlain = minus(0);
constexpr Map kMinus4 = minus(4);
constexpr Map kMinus8 = minus(8);
constexpr Map kMinus16 = minus(16);
constexpr Map kMinus32 = minus(32);
constexpr Map kIq4 = from_table(kIq4Values);
constexpr Map kMxfp4 = from_table(kMxfp4Values);

}  // namespace

const CodeTraits& code_traits(DType type) {
  static constexpr CodeTraits kQ8_0{32, false, false, false, kPlain.data()};
  static constexpr CodeTraits kQ4_0{32, false, false, false, kMinus8.data()};
  static constexpr CodeTraits kQ5_0{32, false, false, false, kMinus16.data()};
  static constexpr CodeTraits kWithOffset{32, false, false, true, kPlain.data()};
  static constexpr CodeTraits kIQ4_NL{32, false, false, false, kIq4.data()};
  static constexpr CodeTraits kMXFP4{32, false, false, false, kMxfp4.data()};
  static constexpr CodeTraits kQ2_K{16, true, true, false, kPlain.data()};
  static constexpr CodeTraits kQ3_K{16, true, false, false, kMinus4.data()};
  static constexpr CodeTraits kQ45_K{32, true, true, false, kPlain.data()};
  static constexpr CodeTraits kQ6_K{16, true, false, false, kMinus32.data()};
  static constexpr CodeTraits kIQ4_XS{32, true, false, false, kIq4.data()};
  switch (type) {
    case DType::kQ4_0:
      return kQ4_0;
    case DType::kQ5_0:
      return kQ5_0;
    case DType::kQ4_1:
    case DType::kQ5_1:
      return kWithOffset;
    case DType::kIQ4_NL:
      return kIQ4_NL;
    case DType::kMXFP4:
      return kMXFP4;
    case DType::kQ2_K:
      return kQ2_K;
    case DType::kQ3_K:
      return kQ3_K;
    case DType::kQ4_K:
    case DType::kQ5_K:
      return kQ45_K;
    case DType::kQ6_K:
      return kQ6_K;
    case DType::kIQ4_XS:
      return kIQ4_XS;
    case DType::kQ8_0:
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      break;
  }
  return kQ8_0;
}

void take_apart(DType type, const std::byte* block, BlockCodes& codes) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(block);
  if (traits(type).block == 256) {
    codes::take_apart_k(type, bytes, codes);
  } else {
    codes::take_apart_32(type, bytes, codes);
  }
}

void put_together(DType type, const BlockCodes& codes, std::byte* block) {
  auto* bytes = reinterpret_cast<uint8_t*>(block);
  if (traits(type).block == 256) {
    codes::put_together_k(type, codes, bytes);
  } else {
    codes::put_together_32(type, codes, bytes);
  }
}

float block_scale(DType type, uint16_t d) {
  return type == DType::kMXFP4 ? bf16_to_float(mxfp4_scale_bf16(d)) : half_to_float(d);
}

}  // namespace yoke
