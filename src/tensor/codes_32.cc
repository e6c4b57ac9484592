// Formats with blocks of 32: [d] or [d m] or [exponent], then for five bits a word of high bits, then the
// nibbles (byte j: element j low, element j + 16 high) or bytes.
#include <cstring>

#include "tensor/codes.h"

namespace yoke::codes {
namespace {

struct Shape {
  int head_bytes;  // d, or d and m, or the exponent
  bool high_bits;
  bool bytes;  // Q8_0
};

Shape shape_of(DType type) {
  switch (type) {
    case DType::kQ8_0:
      return {2, false, true};
    case DType::kQ4_1:
      return {4, false, false};
    case DType::kQ5_0:
      return {2, true, false};
    case DType::kQ5_1:
      return {4, true, false};
    case DType::kMXFP4:
      return {1, false, false};
    default:  // Q4_0, IQ4_NL
      return {2, false, false};
  }
}

}  // namespace

void take_apart_32(DType type, const uint8_t* block, BlockCodes& codes) {
  const Shape shape = shape_of(type);
  if (shape.head_bytes == 1) {
    codes.d = block[0];
  } else {
    std::memcpy(&codes.d, block, 2);
    if (shape.head_bytes == 4) std::memcpy(&codes.m, block + 2, 2);
  }
  block += shape.head_bytes;
  if (shape.bytes) {
    std::memcpy(codes.code, block, 32);
    return;
  }
  uint32_t high = 0;
  if (shape.high_bits) {
    std::memcpy(&high, block, 4);
    block += 4;
  }
  for (int j = 0; j < 16; ++j) {
    codes.code[j] = static_cast<uint8_t>((block[j] & 15) | (high >> j & 1) << 4);
    codes.code[j + 16] = static_cast<uint8_t>((block[j] >> 4) | (high >> (j + 16) & 1) << 4);
  }
}

void put_together_32(DType type, const BlockCodes& codes, uint8_t* block) {
  const Shape shape = shape_of(type);
  if (shape.head_bytes == 1) {
    block[0] = static_cast<uint8_t>(codes.d);
  } else {
    std::memcpy(block, &codes.d, 2);
    if (shape.head_bytes == 4) std::memcpy(block + 2, &codes.m, 2);
  }
  block += shape.head_bytes;
  if (shape.bytes) {
    std::memcpy(block, codes.code, 32);
    return;
  }
  if (shape.high_bits) {
    uint32_t high = 0;
    for (int j = 0; j < 32; ++j) high |= static_cast<uint32_t>(codes.code[j] >> 4 & 1) << j;
    std::memcpy(block, &high, 4);
    block += 4;
  }
  for (int j = 0; j < 16; ++j) {
    block[j] = static_cast<uint8_t>((codes.code[j] & 15) | (codes.code[j + 16] & 15) << 4);
  }
}

}  // namespace yoke::codes
