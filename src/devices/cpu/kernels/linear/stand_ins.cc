#include "devices/cpu/kernels/linear/stand_ins.h"

#include "devices/cpu/kernels/linear/linear_table.h"

namespace yoke::cpu {

#if defined(YOKE_LINEAR_STAND_INS)
YOKE_DECLARE_SET(avx2vnni_evex)
YOKE_DECLARE_SET(avx512amx_emulated)
const LinearKernels* linear_avx2vnni_evex() {
  return table_avx2vnni_evex();
}
const LinearKernels* linear_avx512amx_emulated() {
  return table_avx512amx_emulated();
}
#else
const LinearKernels* linear_avx2vnni_evex() {
  return nullptr;
}
const LinearKernels* linear_avx512amx_emulated() {
  return nullptr;
}
#endif

}  // namespace yoke::cpu
