// Units of two blocks of 32 (docs/layouts.md).
#include <bit>

#include "tensor/codes.h"
#include "tensor/pack.h"

namespace yoke::pack {
namespace {

void copy16(const uint8_t* from, int i, int r, uint8_t* unit) {
  std::memcpy(unit + 32 * i + 2 * r, from, 2);  // [i][16 rows] of 16-bit values
}

void q8_0(const uint8_t* stored, int blocks, int r, uint8_t* unit) {
  for (int b = 0; b < blocks; ++b) {
    const uint8_t* block = stored + 34 * b;
    copy16(block, b, r, unit);
    uint8_t* lane = unit + 64 + 8 * kVector * b + 4 * r;
    for (int g = 0; g < 8; ++g) store32(lane + kVector * g, load32(block + 2 + 4 * g) ^ 0x80808080u);
  }
}

// Blocks of four bits: head bytes, then 16 bytes of nibbles.
template <int kBlockBytes, int kHead>
void nibbles(const uint8_t* stored, int blocks, int r, uint8_t* unit) {
  nibble_pair(stored + kHead, blocks == 2 ? stored + kBlockBytes + kHead : nullptr, unit + 4 * r);
}

void q4_0(const uint8_t* stored, int blocks, int r, uint8_t* unit) {
  for (int b = 0; b < blocks; ++b) copy16(stored + 18 * b, b, r, unit);
  nibbles<18, 2>(stored, blocks, r, unit + 64);
}

void q4_1(const uint8_t* stored, int blocks, int r, uint8_t* unit) {
  for (int b = 0; b < blocks; ++b) {
    copy16(stored + 20 * b, b, r, unit);
    copy16(stored + 20 * b + 2, b, r, unit + 64);
  }
  nibbles<20, 4>(stored, blocks, r, unit + 128);
}

void mxfp4(const uint8_t* stored, int blocks, int r, uint8_t* unit) {
  for (int b = 0; b < blocks; ++b) {
    const uint16_t scale = mxfp4_scale_bf16(stored[17 * b]);
    std::memcpy(unit + 32 * b + 2 * r, &scale, 2);
  }
  nibbles<17, 1>(stored, blocks, r, unit + 64);
}

// Bit 4g + j of the stored word becomes bit g of byte j.
uint32_t high_bits(uint32_t word) {
  uint32_t out = 0;
  for (int j = 0; j < 4; ++j) {
    uint32_t x = word >> j & 0x11111111u;
    x = (x | x >> 3) & 0x03030303u;
    x = (x | x >> 6) & 0x000F000Fu;
    x = (x | x >> 12) & 0xFFu;
    out |= x << 8 * j;
  }
  return out;
}

template <int kBlockBytes, int kHead>
void five_bits(const uint8_t* stored, int blocks, int r, uint8_t* unit) {
  nibbles<kBlockBytes, kHead + 4>(stored, blocks, r, unit + 2 * kVector);
  for (int b = 0; b < blocks; ++b) {
    store32(unit + kVector * b + 4 * r, high_bits(load32(stored + kBlockBytes * b + kHead)));
  }
}

void q5_0(const uint8_t* stored, int blocks, int r, uint8_t* unit) {
  for (int b = 0; b < blocks; ++b) copy16(stored + 22 * b, b, r, unit);
  five_bits<22, 2>(stored, blocks, r, unit + 64);
}

void q5_1(const uint8_t* stored, int blocks, int r, uint8_t* unit) {
  for (int b = 0; b < blocks; ++b) {
    copy16(stored + 24 * b, b, r, unit);
    copy16(stored + 24 * b + 2, b, r, unit + 64);
  }
  five_bits<24, 4>(stored, blocks, r, unit + 128);
}

}  // namespace

PackUnit pack_unit_32(DType type) {
  switch (type) {
    case DType::kQ4_0:
    case DType::kIQ4_NL:
      return q4_0;
    case DType::kQ4_1:
      return q4_1;
    case DType::kQ5_0:
      return q5_0;
    case DType::kQ5_1:
      return q5_1;
    case DType::kMXFP4:
      return mxfp4;
    default:
      return q8_0;
  }
}

}  // namespace yoke::pack
