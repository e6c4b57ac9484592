// AArch64 with dot products and 8-bit matrix instructions.
#define YOKE_I8MM 1
#include "devices/cpu/kernels/linear/dot_armdot.h"
