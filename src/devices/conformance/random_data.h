// Reproducible inputs: ordinary values, and those that break careless kernels.
#pragma once

#include <random>
#include <string_view>
#include <vector>

#include "devices/conformance/case.h"

namespace yoke::conformance {

enum class Data : uint8_t { kNormal, kOutliers, kZeros, kNegativeZeros, kTiny, kExtremes };
inline constexpr Data kAllData[] = {Data::kNormal,        Data::kOutliers, Data::kZeros,
                                    Data::kNegativeZeros, Data::kTiny,     Data::kExtremes};
std::string_view name(Data data);

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int32_t below(int32_t n) { return static_cast<int32_t>(engine_() % static_cast<uint32_t>(n)); }
  float normal() { return normal_(engine_); }
  std::byte byte() { return static_cast<std::byte>(engine_()); }

  // kOutliers: every 16th a thousand times as large. kTiny: around 2^-60. kExtremes: +-1, so that quantized
  // activations are +-127 everywhere.
  std::vector<float> floats(int64_t n, Data data);
  // Stored rows whose codes and sub-scales take every value and whose scales are ordinary. kZeros: scales 0.
  // kExtremes: codes and sub-scales at either end, the same in a block: the largest integer sums.
  Bytes weight(DType type, int64_t rows, int64_t cols, Data data);

 private:
  Bytes block(DType type, Data data);

  std::mt19937 engine_;
  std::normal_distribution<float> normal_;
};

}  // namespace yoke::conformance
