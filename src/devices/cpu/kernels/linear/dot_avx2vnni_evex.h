// AVX2 with VNNI in AVX-512's encoding.
#define YOKE_VNNI 1
#define YOKE_EVEX 1
#include "devices/cpu/kernels/linear/dot_avx2.h"
