// AVX-512 with VNNI.
#define YOKE_VNNI 1
#include "devices/cpu/kernels/linear/dot_avx512.h"
