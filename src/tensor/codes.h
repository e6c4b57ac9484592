// One block of a quantized format taken apart into integers and put together again: what the bits of each
// format mean, and nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace yoke {

// Everything that a stored block holds; element order, not the order of the bits in the file.
struct BlockCodes {
  uint8_t code[256];  // as stored: 0..15, 0..31, 0..63; Q8_0: the int8's bits
  int8_t scale[16];   // per sub-block; Q3_K and IQ4_XS already minus 32. Formats without: not touched
  uint8_t min[16];    // per sub-block; formats without: not touched
  uint16_t d;         // f16 bits; MXFP4: the exponent byte
  uint16_t m;         // f16 bits of the minimum's scale; formats without: not touched
};

// How a block's codes become numbers: x = (d * scale) * (value - ...) as dequantize() writes it out.
struct CodeTraits {
  int32_t sub;        // elements that share a scale; the block where there are no sub-scales
  bool scales;        // has sub-scales
  bool mins;          // K-quants with minimums: subtracts m * min
  bool offset;        // Q4_1 and Q5_1: adds m
  const int8_t* map;  // code -> value, [256]
};
const CodeTraits& code_traits(DType type);  // quantized types only

void take_apart(DType type, const std::byte* block, BlockCodes& codes);
void put_together(DType type, const BlockCodes& codes, std::byte* block);

// The scale as a number: f16, or for MXFP4 half of 2^(e - 127) since the values are doubled.
float block_scale(DType type, uint16_t d);

// The values of the four-bit codes.
inline constexpr std::array<int8_t, 16> kIq4Values = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                      1,    13,   25,  38,  53,  69,  89,  113};
// E2M1 doubled: OCP Microscaling Formats, version 1.0.
inline constexpr std::array<int8_t, 16> kMxfp4Values = {0, 1,  2,  3,  4,  6,  8,  12,
                                                        0, -1, -2, -3, -4, -6, -8, -12};

// 2^(e - 128) as bf16 bits, exact for every exponent byte, and back.
inline uint16_t mxfp4_scale_bf16(uint16_t e) {
  return static_cast<uint16_t>(e < 2 ? 0x20u << e : (e - 1u) << 7);
}
inline uint16_t mxfp4_exponent(uint16_t bf16) {
  return static_cast<uint16_t>(bf16 < 0x80u ? bf16 >> 6 : (bf16 >> 7) + 1u);
}

namespace codes {  // by family; take_apart and put_together choose

void take_apart_32(DType type, const uint8_t* block, BlockCodes& codes);
void put_together_32(DType type, const BlockCodes& codes, uint8_t* block);
void take_apart_k(DType type, const uint8_t* block, BlockCodes& codes);
void put_together_k(DType type, const BlockCodes& codes, uint8_t* block);

}  // namespace codes
}  // namespace yoke
