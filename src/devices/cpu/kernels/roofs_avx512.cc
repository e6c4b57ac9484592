// Roof loops with AVX-512 (no VNNI): a byte product takes three instructions.
#include "devices/cpu/kernels/roof_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace yoke::cpu {
namespace {

// Four streams: one alone does not reach the bandwidth of some cores.
uint64_t read(const std::byte* from, int64_t bytes) {
  const int64_t quarter = bytes / 4;
  __m512i sum[4] = {};
  for (int64_t i = 0; i < quarter; i += 64) {
    for (int j = 0; j < 4; ++j) sum[j] = _mm512_xor_si512(sum[j], _mm512_loadu_si512(from + j * quarter + i));
  }
  const __m512i all = _mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]), _mm512_xor_si512(sum[2], sum[3]));
  return static_cast<uint64_t>(_mm512_reduce_or_epi64(all));
}

// Unrolled by force: accumulators that live in memory would measure stores, not dot products.
int64_t dots(int64_t rounds) {
  __m512i acc[12] = {};
  const __m512i x = _mm512_set1_epi8(3);
  const __m512i y = _mm512_set1_epi8(5);
  const __m512i one = _mm512_set1_epi16(1);
  for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (__m512i& a : acc) {
      __m512i pairs = _mm512_maddubs_epi16(x, y);
      asm volatile("" : "+v"(pairs));
      a = _mm512_add_epi32(a, _mm512_madd_epi16(pairs, one));
      asm volatile("" : "+v"(a));
    }
  }
  __m512i sum = acc[0];
#pragma GCC unroll 12
  for (const __m512i& a : acc) sum = _mm512_xor_si512(sum, a);
  volatile int keep = _mm512_reduce_or_epi32(sum);
  (void)keep;
  return rounds * 12 * 128;
}

constexpr RoofKernels kRoofs = {read, dots};

}  // namespace

const RoofKernels* roofs_avx512() {
  return &kRoofs;
}

}  // namespace yoke::cpu

#else

namespace yoke::cpu {

const RoofKernels* roofs_avx512() {
  return nullptr;
}

}  // namespace yoke::cpu

#endif
