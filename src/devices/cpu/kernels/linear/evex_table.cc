#include "devices/cpu/kernels/linear/evex_table.h"

#include "devices/cpu/kernels/linear/linear_table.h"

namespace yoke::cpu {

#if defined(YOKE_LINEAR_AVX2VNNI_EVEX)
YOKE_DECLARE_SET(avx2vnni_evex)
const LinearKernels* linear_avx2vnni_evex() {
  return table_avx2vnni_evex();
}
#else
const LinearKernels* linear_avx2vnni_evex() {
  return nullptr;
}
#endif

}  // namespace yoke::cpu
