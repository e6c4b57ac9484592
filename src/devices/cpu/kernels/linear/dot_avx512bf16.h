// AVX-512 with VNNI and BF16.
#define YOKE_BF16 1
#include "devices/cpu/kernels/linear/dot_avx512vnni.h"
