#include "gguf/gguf_type.h"

#include <iterator>

namespace yoke {
namespace {

// Ids and block sizes: ggml's type list (github.com/ggml-org/ggml, docs/gguf.md and ggml-common.h).
// Removed types keep the sizes they had: 4 and 5 held blocks of 16, the interleaved ones those of Q4_0 and
// IQ4_NL.
constexpr GgufType kTypes[] = {
    {0, "F32", 1, 4},
    {1, "F16", 1, 2},
    {2, "Q4_0", 32, 18},
    {3, "Q4_1", 32, 20},
    {4, "Q4_2", 16, 10, true},
    {5, "Q4_3", 16, 12, true},
    {6, "Q5_0", 32, 22},
    {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34},
    {9, "Q8_1", 32, 36},
    {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110},
    {12, "Q4_K", 256, 144},
    {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},
    {15, "Q8_K", 256, 292},
    {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98},
    {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},
    {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136},
    {24, "I8", 1, 1},
    {25, "I16", 1, 2},
    {26, "I32", 1, 4},
    {27, "I64", 1, 8},
    {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},
    {31, "Q4_0_4_4", 32, 18, true},
    {32, "Q4_0_4_8", 32, 18, true},
    {33, "Q4_0_8_8", 32, 18, true},
    {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},
    {36, "IQ4_NL_4_4", 32, 18, true},
    {37, "IQ4_NL_4_8", 32, 18, true},
    {38, "IQ4_NL_8_8", 32, 18, true},
    {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},
    {41, "Q1_0", 128, 18},
    {42, "Q2_0", 64, 18},
};

constexpr bool ids_are_indices() {
  for (uint32_t i = 0; i < std::size(kTypes); ++i) {
    if (kTypes[i].id != i) return false;
  }
  return true;
}
static_assert(ids_are_indices());

}  // namespace

const GgufType* find_gguf_type(uint32_t id) {
  return id < std::size(kTypes) ? &kTypes[id] : nullptr;
}

std::span<const GgufType> gguf_types() {
  return kTypes;
}

}  // namespace yoke
