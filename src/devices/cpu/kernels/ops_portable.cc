// Row-wise ops and attention, instruction set portable.
#include "devices/cpu/kernels/op_kernels.h"
#include "devices/cpu/kernels/simd_portable.h"

#define YOKE_ISA portable
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

const OpKernels* ops_portable() {
  return &portable::kOps;
}

}  // namespace yoke::cpu
