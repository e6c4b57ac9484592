// AVX-512 with VNNI and BF16, and AMX int8 for many rows (amx.h).
#define YOKE_VNNI 1
#define YOKE_AMX 1
#define YOKE_BF16 1
#include "devices/cpu/kernels/linear/dot_avx512.h"
