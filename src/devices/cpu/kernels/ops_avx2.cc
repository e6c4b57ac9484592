// Row-wise ops and attention, instruction set avx2.
#include "devices/cpu/kernels/op_kernels.h"

#if defined(__x86_64__)

#include "devices/cpu/kernels/simd_avx2.h"

#define YOKE_ISA avx2
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

const OpKernels* ops_avx2() {
  return &avx2::kOps;
}

}  // namespace yoke::cpu

#else

namespace yoke::cpu {

const OpKernels* ops_avx2() {
  return nullptr;
}

}  // namespace yoke::cpu

#endif
