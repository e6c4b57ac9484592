// The CPU's kernels as a table of function pointers, one table per instruction set, chosen at run time.
// Kernel sources include this and <immintrin.h>-like headers only: no containers, no inline functions from
// shared headers, so that the linker can never keep an AVX-512 copy for every CPU.
#pragma once

#include <cstddef>
#include <cstdint>

namespace yoke::cpu {

// out[m][n] for panels [panel_begin, panel_end) of 16 rows n and all rows m (docs/numerics.md, Linear).
struct LinearArgs {
  const std::byte* x;  // rows in the format's activation layout (ActLayout), or floats
  int64_t x_row_bytes;
  int64_t x_scale_offset;  // ActLayout's offsets
  int64_t x_sums_offset;
  int64_t x_sums32_offset;
  int32_t rows;        // m, at least 1
  const std::byte* w;  // panel 0 of the matrix, kPanel16
  int64_t panel_bytes;
  int64_t k;
  int64_t n;  // rows of the weight; outputs past it are not written
  int64_t panel_begin;
  int64_t panel_end;
  const std::byte* next;  // the panels that this thread reads next, of the same format and k; null: unknown
  const float* bias;      // [n] or null
  const float* add;       // [rows][n] or null
  int64_t add_row_bytes;
  float* out;  // [rows][n]
  int64_t out_row_bytes;
  std::byte* scratch;  // of this thread, kLinearScratchBytes, 64-byte aligned
};
inline constexpr int64_t kLinearScratchBytes = 1 << 20;

using LinearFn = void (*)(const LinearArgs&);

// Formats by position in this list (the order of all_dtypes()): F32 F16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K
// Q4_K Q5_K Q6_K IQ4_NL IQ4_XS BF16 MXFP4.
inline constexpr int kFormats = 16;

struct LinearKernels {
  LinearFn linear[kFormats];
};

// Null where the build has no such kernels for this architecture.
const LinearKernels* linear_portable();
const LinearKernels* linear_avx2();
const LinearKernels* linear_avx2vnni();
const LinearKernels* linear_avx512();
const LinearKernels* linear_avx512vnni();
const LinearKernels* linear_avx512bf16();
const LinearKernels* linear_avx512amx();
const LinearKernels* linear_armdot();
const LinearKernels* linear_armi8mm();

}  // namespace yoke::cpu
