// The matrix products of one instruction set and one family of formats: this file is compiled once for each
// pair (CMakeLists.txt), with YOKE_ISA, the set's name, and YOKE_FAMILY_..., the family. All but the table's
// entries has internal linkage, so that no copy can stand in for another set's.
#include "devices/cpu/kernels/kernels.h"

#if defined(YOKE_X86)
#include <immintrin.h>
#elif defined(YOKE_ARM)
#include <arm_neon.h>
#endif

namespace yoke::cpu {
namespace {

#include YOKE_PRIMITIVES

#include "devices/cpu/kernels/linear/panel_driver.h"
#if defined(YOKE_FAMILY_FLOATS)
#include "devices/cpu/kernels/linear/floats.h"
#elif defined(YOKE_FAMILY_BF16)
#include "devices/cpu/kernels/linear/bf16.h"
#elif defined(YOKE_FAMILY_BLOCK32)
#include "devices/cpu/kernels/linear/block32.h"
#else
#include "devices/cpu/kernels/linear/block32.h"
#include "devices/cpu/kernels/linear/super256.h"
#endif
#if defined(YOKE_AMX) && (defined(YOKE_FAMILY_BLOCK32) || defined(YOKE_FAMILY_SUPER256))
#include "devices/cpu/kernels/linear/amx_tiles.h"
//
#include "devices/cpu/kernels/linear/amx.h"
#endif

}  // namespace

// Products of quantized formats.
#if defined(YOKE_AMX)
#define YOKE_PRODUCTS(family, format) run_amx<Amx##family<format>>
#else
#define YOKE_PRODUCTS(family, format) run_linear<family<format>>
#endif

#define YOKE_JOIN2(a, b) a##_##b
#define YOKE_JOIN(a, b) YOKE_JOIN2(a, b)

#if defined(YOKE_FAMILY_FLOATS)
void YOKE_JOIN(linear_floats, YOKE_ISA)(LinearKernels& table) {
  table.linear[0] = run_linear<Floats<F32>>;
  table.linear[1] = run_linear<Floats<F16>>;
}
#elif defined(YOKE_FAMILY_BF16)
void YOKE_JOIN(linear_bf16, YOKE_ISA)(LinearKernels& table) {
  table.linear[14] = run_linear<BF16>;
}
#elif defined(YOKE_FAMILY_BLOCK32)
void YOKE_JOIN(linear_block32, YOKE_ISA)(LinearKernels& table) {
  table.linear[2] = YOKE_PRODUCTS(Block32, Q4_0);
  table.linear[3] = YOKE_PRODUCTS(Block32, Q4_1);
  table.linear[4] = YOKE_PRODUCTS(Block32, Q5_0);
  table.linear[5] = YOKE_PRODUCTS(Block32, Q5_1);
  table.linear[6] = YOKE_PRODUCTS(Block32, Q8_0);
  table.linear[12] = YOKE_PRODUCTS(Block32, IQ4_NL);
  table.linear[15] = YOKE_PRODUCTS(Block32, MXFP4);
}
#else
void YOKE_JOIN(linear_super256, YOKE_ISA)(LinearKernels& table) {
  table.linear[7] = YOKE_PRODUCTS(Super256, Q2_K);
  table.linear[8] = YOKE_PRODUCTS(Super256, Q3_K);
  table.linear[9] = YOKE_PRODUCTS(Super256, Q4_K);
  table.linear[10] = YOKE_PRODUCTS(Super256, Q5_K);
  table.linear[11] = YOKE_PRODUCTS(Super256, Q6_K);
  table.linear[13] = YOKE_PRODUCTS(Super256, IQ4_XS);
}
#endif

}  // namespace yoke::cpu
