// Roof loops in plain C++.
#include "devices/cpu/kernels/roof_kernels.h"

namespace yoke::cpu {
namespace {

typedef uint64_t U2 __attribute__((vector_size(16)));
typedef int16_t S8 __attribute__((vector_size(16)));

uint64_t read(const std::byte* from, int64_t bytes) {
  const U2* const p = reinterpret_cast<const U2*>(from);
  U2 sum[4] = {};
  for (int64_t i = 0; i < bytes / 16; i += 4) {
    for (int j = 0; j < 4; ++j) sum[j] ^= p[i + j];
  }
  const U2 all = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
  return all[0] ^ all[1];
}

int64_t dots(int64_t rounds) {
  // No byte products here: 16-bit ones are what the portable kernels use.
  S8 acc[8] = {};
  S8 x = {1, 2, 3, 4, 5, 6, 7, 8};
  for (int64_t i = 0; i < rounds; ++i) {
    for (S8& a : acc) a += x * a;
    asm volatile("" : : "r"(acc) : "memory");
  }
  volatile int16_t keep = acc[0][0];
  (void)keep;
  return rounds * 8 * 8 * 2;
}

constexpr RoofKernels kRoofs = {read, dots};

}  // namespace

const RoofKernels* roofs_portable() {
  return &kRoofs;
}

}  // namespace yoke::cpu
