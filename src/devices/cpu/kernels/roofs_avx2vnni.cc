// Roof loops with AVX-VNNI: memory is read as with AVX2.
#include "devices/cpu/kernels/roof_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace yoke::cpu {
namespace {

// Unrolled by force: accumulators that live in memory would measure stores, not dot products.
int64_t dots(int64_t rounds) {
  __m256i acc[12] = {};
  const __m256i x = _mm256_set1_epi8(3);
  const __m256i y = _mm256_set1_epi8(5);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m256i& a : acc) {
      a = _mm256_dpbusd_avx_epi32(a, x, y);
      asm volatile("" : "+x"(a));
    }
  }
  __m256i sum = acc[0];
#pragma GCC unroll 12
  for (const __m256i& a : acc) sum = _mm256_xor_si256(sum, a);
  volatile int keep = _mm256_extract_epi32(sum, 0);
  (void)keep;
  return rounds * 12 * 64;
}

}  // namespace

const RoofKernels* roofs_avx2vnni() {
  static const RoofKernels roofs = {roofs_avx2()->read, dots};
  return &roofs;
}

}  // namespace yoke::cpu

#else

namespace yoke::cpu {

const RoofKernels* roofs_avx2vnni() {
  return nullptr;
}

}  // namespace yoke::cpu

#endif
