// The AVX-VNNI products with AVX-512's encoding: for tests on machines that have AVX-512 VNNI and no
// AVX-VNNI.
#pragma once

#include "devices/cpu/kernels/kernels.h"

namespace yoke::cpu {

// Null where the build has no such kernels for this architecture. Needs AVX-512 VNNI and VL.
const LinearKernels* linear_avx2vnni_evex();

}  // namespace yoke::cpu
