// The tables of matrix products by instruction set, filled on first use.
#include "devices/cpu/kernels/kernels.h"

namespace yoke::cpu {

#define YOKE_DECLARE_SET(isa)                 \
  void linear_floats_##isa(LinearKernels&);   \
  void linear_block32_##isa(LinearKernels&);  \
  void linear_super256_##isa(LinearKernels&); \
  namespace {                                 \
  const LinearKernels* table_##isa() {        \
    static const LinearKernels table = [] {   \
      LinearKernels t{};                      \
      linear_floats_##isa(t);                 \
      linear_block32_##isa(t);                \
      linear_super256_##isa(t);               \
      return t;                               \
    }();                                      \
    return &table;                            \
  }                                           \
  }

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

}  // namespace yoke::cpu
