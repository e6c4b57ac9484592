// The tables of matrix products by instruction set, filled on first use.
#include "devices/cpu/kernels/kernels.h"
#include "devices/cpu/kernels/linear/linear_table.h"

namespace yoke::cpu {

YOKE_DECLARE_SET(portable)
const LinearKernels* linear_portable() {
  return table_portable();
}

#if defined(YOKE_LINEAR_AVX2)
YOKE_DECLARE_SET(avx2)
const LinearKernels* linear_avx2() {
  return table_avx2();
}
#else
const LinearKernels* linear_avx2() {
  return nullptr;
}
#endif

#if defined(YOKE_LINEAR_AVX2VNNI)
YOKE_DECLARE_SET(avx2vnni)
const LinearKernels* linear_avx2vnni() {
  return table_avx2vnni();
}
#else
const LinearKernels* linear_avx2vnni() {
  return nullptr;
}
#endif

#if defined(YOKE_LINEAR_AVX512)
YOKE_DECLARE_SET(avx512)
const LinearKernels* linear_avx512() {
  return table_avx512();
}
#else
const LinearKernels* linear_avx512() {
  return nullptr;
}
#endif

#if defined(YOKE_LINEAR_AVX512VNNI)
YOKE_DECLARE_SET(avx512vnni)
const LinearKernels* linear_avx512vnni() {
  return table_avx512vnni();
}
#else
const LinearKernels* linear_avx512vnni() {
  return nullptr;
}
#endif

#if defined(YOKE_LINEAR_AVX512BF16)
void linear_bf16_avx512bf16(LinearKernels&);
const LinearKernels* linear_avx512bf16() {
  static const LinearKernels table = [] {
    LinearKernels t = *linear_avx512vnni();
    linear_bf16_avx512bf16(t);
    return t;
  }();
  return &table;
}
#else
const LinearKernels* linear_avx512bf16() {
  return nullptr;
}
#endif

#if defined(YOKE_LINEAR_AVX512AMX)
YOKE_DECLARE_SET(avx512amx)
const LinearKernels* linear_avx512amx() {
  return table_avx512amx();
}
#else
const LinearKernels* linear_avx512amx() {
  return nullptr;
}
#endif

#if defined(YOKE_LINEAR_ARMDOT)
YOKE_DECLARE_SET(armdot)
const LinearKernels* linear_armdot() {
  return table_armdot();
}
#else
const LinearKernels* linear_armdot() {
  return nullptr;
}
#endif

#if defined(YOKE_LINEAR_ARMI8MM)
YOKE_DECLARE_SET(armi8mm)
const LinearKernels* linear_armi8mm() {
  return table_armi8mm();
}
#else
const LinearKernels* linear_armi8mm() {
  return nullptr;
}
#endif

}  // namespace yoke::cpu
