// Sets that stand in, in tests alone, for sets that the machine cannot run: the same sources but for the
// instructions in question.
#pragma once

#include "devices/cpu/kernels/kernels.h"

namespace yoke::cpu {

// Null where the build has no such kernels for this architecture. All need AVX-512 VNNI and VL, the second
// BF16 too.
const LinearKernels* linear_avx2vnni_evex();       // AVX-VNNI's dot products in AVX-512's encoding
const LinearKernels* linear_avx512amx_emulated();  // plain code in place of AMX's tiles

}  // namespace yoke::cpu
