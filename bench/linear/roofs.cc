#include "roofs.h"

#include <time.h>

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace yoke::bench {
namespace {

constexpr int kChains = 12;  // independent sums, more than latency times throughput
constexpr int kRounds = 20'000'000 / kChains;

volatile int32_t sink;

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bw,avx512vnni"))) double vnni512() {
  __m512i sums[kChains];
  for (__m512i& s : sums) s = _mm512_setzero_si512();
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(2);
  const double begin = thread_seconds();
  for (int i = 0; i < kRounds; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) sums[c] = _mm512_dpbusd_epi32(sums[c], a, b);
  }
  const double seconds = thread_seconds() - begin;
  for (const __m512i& s : sums) {
    alignas(64) int32_t lanes[16];
    _mm512_store_si512(lanes, s);
    sink = lanes[0];
  }
  return 128.0 * kRounds * kChains / seconds * 1e-9;
}

__attribute__((target("avx2"))) double maddubs256() {
  __m256i sums[kChains];
  for (__m256i& s : sums) s = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(2);
  const double begin = thread_seconds();
  for (int i = 0; i < kRounds; ++i) {
    asm volatile("" : "+x"(a), "+x"(b));
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) sums[c] = _mm256_add_epi16(sums[c], _mm256_maddubs_epi16(a, b));
  }
  const double seconds = thread_seconds() - begin;
  for (const __m256i& s : sums) sink = _mm_cvtsi128_si32(_mm256_castsi256_si128(s));
  return 64.0 * kRounds * kChains / seconds * 1e-9;
}
#endif

}  // namespace

double thread_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Peak int8_peak() {
  Peak best{0, "none"};
#if defined(__x86_64__)
  const bool vnni = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
  const bool avx2 = __builtin_cpu_supports("avx2");
  for (int i = 0; i < 5; ++i) {
    if (vnni) {
      best = {std::max(best.gops, vnni512()), "zmm vpdpbusd"};
    } else if (avx2) {
      best = {std::max(best.gops, maddubs256()), "ymm vpmaddubsw"};
    }
  }
#endif
  return best;
}

double read_bandwidth(std::span<const uint8_t> bytes) {
  const auto* const words = reinterpret_cast<const uint64_t*>(bytes.data());
  const size_t count = bytes.size() / 64 * 8;
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    const double begin = thread_seconds();
    uint64_t sums[8] = {};
    for (size_t w = 0; w < count; w += 8) {
      for (size_t j = 0; j < 8; ++j) sums[j] ^= words[w + j];
    }
    const double seconds = thread_seconds() - begin;
    for (uint64_t s : sums) sink = static_cast<int32_t>(s);
    best = std::max(best, static_cast<double>(count) * 8 / seconds * 1e-9);
  }
  return best;
}

}  // namespace yoke::bench
