// The one place that compiles volk, the loader's function tables.
#define VOLK_IMPLEMENTATION
#include <volk.h>
