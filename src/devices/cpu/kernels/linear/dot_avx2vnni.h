// AVX2 with AVX-VNNI.
#define YOKE_VNNI 1
#include "devices/cpu/kernels/linear/dot_avx2.h"
