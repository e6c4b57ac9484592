// The two loops that measure what the machine could do at most: reading memory and multiplying bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace yoke::cpu {

struct RoofKernels {
  // Reads everything once, in order; the sum keeps the compiler from leaving it out. bytes: a multiple of
  // 1024.
  uint64_t (*read)(const std::byte* from, int64_t bytes);
  // int8 dot products in registers; returns their operations (a multiply and an add are two).
  int64_t (*dots)(int64_t rounds);
};

const RoofKernels* roofs_portable();
// Null where the build has no such kernels for this architecture.
const RoofKernels* roofs_avx2();
const RoofKernels* roofs_avx2vnni();
const RoofKernels* roofs_avx512();
const RoofKernels* roofs_avx512vnni();

}  // namespace yoke::cpu
