// The matrix product as docs/numerics.md tells it, element by element over the bytes of docs/layouts.md; and
// random panels and activations to try it on. Shares no code with the kernels.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/layout.h"

namespace yoke::test {

// How codes and activations are chosen: at random, or so that sums are as large as they can be.
enum class Extreme { kNone, kHighHigh, kHighLow, kLowHigh, kAlternating };

struct LinearCase {
  DType type;
  int64_t n;
  int64_t k;
  int64_t rows;
  bool bias;
  bool add;
  Extreme extreme;
  uint32_t seed;
};

// 64-byte aligned bytes.
class AlignedBytes {
 public:
  explicit AlignedBytes(uint64_t size) : bytes_(size + 64) {}
  uint8_t* data() {
    const auto address = reinterpret_cast<uintptr_t>(bytes_.data());
    return bytes_.data() + (64 - address % 64) % 64;
  }

 private:
  std::vector<uint8_t> bytes_;
};

struct LinearData {
  explicit LinearData(const LinearCase& c);
  LinearCase c;
  ActLayout act;
  AlignedBytes w;  // panels
  AlignedBytes x;  // rows of `act`
  std::vector<float> bias;
  std::vector<float> add;
};

// out[rows][n]
std::vector<float> oracle(LinearData& data);

}  // namespace yoke::test
