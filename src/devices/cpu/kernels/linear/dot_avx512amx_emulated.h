// AVX-512 with VNNI and BF16, and plain code in place of AMX's tiles.
#define YOKE_AMX_EMULATED 1
#include "devices/cpu/kernels/linear/dot_avx512amx.h"
