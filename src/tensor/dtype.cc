#include "tensor/dtype.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace yoke {
namespace {

using enum DType;

constexpr std::array<DTypeTraits, 16> kTable = {{
    {kF32, "F32", 1, 4, ActFormat::kF32, kF32},
    {kF16, "F16", 1, 2, ActFormat::kF32, kF16},
    {kQ4_0, "Q4_0", 32, 18, ActFormat::kQ8x32, kF16},
    {kQ4_1, "Q4_1", 32, 20, ActFormat::kQ8x32, kF16},
    {kQ5_0, "Q5_0", 32, 22, ActFormat::kQ8x32, kF16},
    {kQ5_1, "Q5_1", 32, 24, ActFormat::kQ8x32, kF16},
    {kQ8_0, "Q8_0", 32, 34, ActFormat::kQ8x32, kF16},
    {kQ2_K, "Q2_K", 256, 84, ActFormat::kQ8x256, kQ4_0},
    {kQ3_K, "Q3_K", 256, 110, ActFormat::kQ8x256, kQ4_0},
    {kQ4_K, "Q4_K", 256, 144, ActFormat::kQ8x256, kQ5_0},
    {kQ5_K, "Q5_K", 256, 176, ActFormat::kQ8x256, kQ5_1},
    {kQ6_K, "Q6_K", 256, 210, ActFormat::kQ8x256, kQ8_0},
    {kIQ4_NL, "IQ4_NL", 32, 18, ActFormat::kQ8x32, kF16},
    {kIQ4_XS, "IQ4_XS", 256, 136, ActFormat::kQ8x256, kIQ4_NL},
    {kBF16, "BF16", 1, 2, ActFormat::kBF16, kBF16},
    {kMXFP4, "MXFP4", 32, 17, ActFormat::kQ8x32, kF16},
}};

}  // namespace

std::span<const DTypeTraits> all_dtypes() {
  return kTable;
}

const DTypeTraits& traits(DType type) {
  return *std::ranges::find(kTable, type, &DTypeTraits::type);
}

std::optional<DType> dtype_from_gguf(uint32_t id) {
  for (const DTypeTraits& t : kTable) {
    if (static_cast<uint32_t>(t.type) == id) return t.type;
  }
  return std::nullopt;
}

std::optional<DType> dtype_from_name(std::string_view name) {
  const auto same = [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) == std::toupper(static_cast<unsigned char>(b));
  };
  for (const DTypeTraits& t : kTable) {
    if (std::ranges::equal(t.name, name, same)) return t.type;
  }
  return std::nullopt;
}

std::string_view name(ActFormat format) {
  switch (format) {
    case ActFormat::kF32:
      return "f32";
    case ActFormat::kBF16:
      return "bf16";
    case ActFormat::kQ8x32:
      return "q8x32";
    case ActFormat::kQ8x256:
      return "q8x256";
  }
  return "?";
}

uint64_t stored_bytes(DType type, int64_t rows, int64_t cols) {
  const DTypeTraits& t = traits(type);
  return static_cast<uint64_t>(rows) * static_cast<uint64_t>(cols / t.block) * t.block_bytes;
}

}  // namespace yoke
