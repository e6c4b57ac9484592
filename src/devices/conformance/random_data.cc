#include "devices/conformance/random_data.h"

#include <cstring>

#include "tensor/codes.h"
#include "tensor/half.h"
#include "tensor/quantize.h"

namespace yoke::conformance {
namespace {

// Ends of the ranges that a format's stored integers take.
struct Ranges {
  int codes;  // 0 .. codes - 1
  int scale_low;
  int scale_high;
};

Ranges ranges(DType type) {
  switch (type) {
    case DType::kQ8_0:
      return {256, 0, 0};
    case DType::kQ5_0:
    case DType::kQ5_1:
      return {32, 0, 0};
    case DType::kQ2_K:
      return {4, 0, 15};
    case DType::kQ3_K:
      return {8, -32, 31};
    case DType::kQ4_K:
      return {16, 0, 63};
    case DType::kQ5_K:
      return {32, 0, 63};
    case DType::kQ6_K:
      return {64, -128, 127};
    case DType::kIQ4_XS:
      return {16, -32, 31};
    default:  // Q4_0, Q4_1, IQ4_NL, MXFP4
      return {16, 0, 0};
  }
}

}  // namespace

std::string_view name(Data data) {
  switch (data) {
    case Data::kNormal:
      return "normal";
    case Data::kOutliers:
      return "outliers";
    case Data::kZeros:
      return "zeros";
    case Data::kNegativeZeros:
      return "negative zeros";
    case Data::kTiny:
      return "tiny";
    case Data::kExtremes:
      return "extremes";
  }
  return "?";
}

std::vector<float> Random::floats(int64_t n, Data data) {
  std::vector<float> x(static_cast<size_t>(n));
  for (size_t i = 0; i < x.size(); ++i) {
    switch (data) {
      case Data::kNormal:
        x[i] = normal();
        break;
      case Data::kOutliers:
        x[i] = normal() * (below(16) == 0 ? 1000.0f : 1.0f);
        break;
      case Data::kZeros:
        x[i] = 0.0f;
        break;
      case Data::kNegativeZeros:
        x[i] = -0.0f;
        break;
      case Data::kTiny:
        x[i] = normal() * 0x1p-60f;
        break;
      case Data::kExtremes:
        x[i] = below(8) == 0 ? -1.0f : 1.0f;
        break;
    }
  }
  return x;
}

Bytes Random::block(DType type, Data data) {
  const DTypeTraits& t = traits(type);
  const Ranges r = ranges(type);
  BlockCodes codes{};
  const bool end = below(2) == 0;
  for (int i = 0; i < t.block; ++i) {
    const int code = data == Data::kExtremes ? (end ? r.codes - 1 : 0) : below(r.codes);
    codes.code[i] = static_cast<uint8_t>(code);
  }
  const bool scale_end = below(2) == 0;
  for (int s = 0; s < 16; ++s) {
    const int any = r.scale_low + below(r.scale_high - r.scale_low + 1);
    const int extreme = scale_end ? r.scale_high : r.scale_low;
    codes.scale[s] = static_cast<int8_t>(data == Data::kExtremes ? extreme : any);
    codes.min[s] = static_cast<uint8_t>(data == Data::kExtremes ? r.scale_high : below(r.scale_high + 1));
  }
  const auto ordinary = [&] { return float_to_half(normal() * 0x1p-7f); };
  codes.d = type == DType::kMXFP4 ? static_cast<uint16_t>(118 + below(8)) : ordinary();
  codes.m = ordinary();
  if (data == Data::kZeros) codes.d = codes.m = 0;
  Bytes bytes(static_cast<size_t>(t.block_bytes));
  put_together(type, codes, bytes.data());
  return bytes;
}

Bytes Random::weight(DType type, int64_t rows, int64_t cols, Data data) {
  Bytes bytes;
  if (traits(type).block == 1) {
    const Data kind = data == Data::kTiny ? Data::kNormal : data;  // products of two tiny ones are no numbers
    const std::vector<float> x = floats(rows * cols, kind);
    bytes.resize(stored_bytes(type, rows, cols));
    quantize(type, x.data(), rows * cols, bytes.data());
    return bytes;
  }
  const int64_t blocks = rows * (cols / traits(type).block);
  for (int64_t b = 0; b < blocks; ++b) {
    const Bytes one = block(type, data);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

}  // namespace yoke::conformance
