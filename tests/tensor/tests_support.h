// Random stored rows, and the formats as test parameters.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace yoke {

inline std::vector<DType> format_list() {
  std::vector<DType> types;
  for (const DTypeTraits& t : all_dtypes()) types.push_back(t.type);
  return types;
}

inline std::string format_name(const testing::TestParamInfo<DType>& info) {
  return std::string(traits(info.param).name);
}

// Any bytes are valid codes; floats and f16 scales may come out infinite or NaN, which packing must carry
// too.
inline std::vector<std::byte> random_rows(DType type, int64_t rows, int64_t cols, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(stored_bytes(type, rows, cols));
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

}  // namespace yoke
