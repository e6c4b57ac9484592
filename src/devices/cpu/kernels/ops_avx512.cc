// Row-wise ops and attention, instruction set avx512.
#include "devices/cpu/kernels/op_kernels.h"

#if defined(__x86_64__)

#include "devices/cpu/kernels/simd_avx512.h"

#define YOKE_ISA avx512
#include "devices/cpu/kernels/math_body.h"
//
#include "devices/cpu/kernels/rows_body.h"
//
#include "devices/cpu/kernels/kv_body.h"
//
#include "devices/cpu/kernels/attention_body.h"
//
#include "devices/cpu/kernels/ops_table_body.h"

namespace yoke::cpu {

const OpKernels* ops_avx512() {
  return &avx512::kOps;
}

}  // namespace yoke::cpu

#else

namespace yoke::cpu {

const OpKernels* ops_avx512() {
  return nullptr;
}

}  // namespace yoke::cpu

#endif
