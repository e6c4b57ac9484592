// The instruction sets that this machine can run, for parameterized tests.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "devices/cpu/kernels/op_kernels.h"

namespace yoke::cpu {

struct OpTable {
  std::string isa;
  const OpKernels* ops;
};

inline std::vector<OpTable> op_tables() {
  const CpuFeatures features = detect_cpu_features();
  std::vector<OpTable> tables = {{"portable", ops_portable()}};
  if (features.avx2 && ops_avx2() != nullptr) tables.push_back({"avx2", ops_avx2()});
  if (features.avx512 && ops_avx512() != nullptr) tables.push_back({"avx512", ops_avx512()});
  return tables;
}

// Numbers over many magnitudes, both signs, with some zeros.
inline std::vector<float> random_floats(size_t n, uint32_t seed, float scale = 1.0f) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> kind(0, 19);
  std::vector<float> values(n);
  for (float& v : values) {
    const int k = kind(generator);
    v = normal(generator) * scale;
    if (k == 0) v = 0.0f;
    if (k == 1) v *= 30.0f;
    if (k == 2) v *= 1e-3f;
  }
  return values;
}

inline uint32_t bits_of(float f) {
  return std::bit_cast<uint32_t>(f);
}

// Equality of bits, told by the first difference.
inline void expect_same_bits(const std::vector<float>& got, const std::vector<float>& expected,
                             const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(bits_of(got[i]), bits_of(expected[i]))
        << what << ", element " << i << ": " << got[i] << " instead of " << expected[i];
  }
}

}  // namespace yoke::cpu
