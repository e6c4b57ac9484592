// Roof loops with AVX2: a byte product takes three instructions.
#include "devices/cpu/kernels/roof_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace yoke::cpu {
namespace {

// Four streams: one alone does not reach the bandwidth of some cores.
uint64_t read(const std::byte* from, int64_t bytes) {
  const int64_t quarter = bytes / 4;
  __m256i sum[4] = {};
  for (int64_t i = 0; i < quarter; i += 32) {
    for (int j = 0; j < 4; ++j) {
      const __m256i* const p = reinterpret_cast<const __m256i*>(from + j * quarter + i);
      sum[j] = _mm256_xor_si256(sum[j], _mm256_loadu_si256(p));
    }
  }
  const __m256i all = _mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]), _mm256_xor_si256(sum[2], sum[3]));
  return static_cast<uint64_t>(_mm256_extract_epi64(all, 0) ^ _mm256_extract_epi64(all, 3));
}

// Unrolled by force: accumulators that live in memory would measure stores, not dot products.
int64_t dots(int64_t rounds) {
  __m256i acc[8] = {};
  const __m256i x = _mm256_set1_epi8(3);
  const __m256i y = _mm256_set1_epi8(5);
  const __m256i one = _mm256_set1_epi16(1);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m256i& a : acc) {
      __m256i pairs = _mm256_maddubs_epi16(x, y);
      asm volatile("" : "+x"(pairs));
      a = _mm256_add_epi32(a, _mm256_madd_epi16(pairs, one));
      asm volatile("" : "+x"(a));
    }
  }
  __m256i sum = acc[0];
#pragma GCC unroll 12
  for (const __m256i& a : acc) sum = _mm256_xor_si256(sum, a);
  volatile int keep = _mm256_extract_epi32(sum, 0);
  (void)keep;
  return rounds * 8 * 64;
}

constexpr RoofKernels kRoofs = {read, dots};

}  // namespace

const RoofKernels* roofs_avx2() {
  return &kRoofs;
}

}  // namespace yoke::cpu

#else

namespace yoke::cpu {

const RoofKernels* roofs_avx2() {
  return nullptr;
}

}  // namespace yoke::cpu

#endif
