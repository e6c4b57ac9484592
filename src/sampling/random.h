// Random numbers that a seed gives again on every platform.
#pragma once

#include <cstdint>

namespace yoke {

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). One number of
// state: copying a sampler copies its future.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  // In [0, 1): a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace yoke
