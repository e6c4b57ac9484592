// Formats with blocks of 256 elements in sub-blocks of 16 or 32. Byte offsets are those of the files.
#include <cstring>

#include "tensor/codes.h"

namespace yoke::codes {
namespace {

// Eight six-bit scales and eight six-bit minimums in 12 bytes (Q4_K, Q5_K): the first four of each lie in the
// low six bits of bytes 0..3 and 4..7; of the last four, the low nibbles lie in bytes 8..11 (scale low,
// minimum high) and the two high bits on top of the first eight bytes.
void read_scales_mins(const uint8_t* packed, BlockCodes& codes) {
  for (int i = 0; i < 4; ++i) {
    codes.scale[i] = static_cast<int8_t>(packed[i] & 63);
    codes.min[i] = packed[4 + i] & 63;
    codes.scale[4 + i] = static_cast<int8_t>((packed[8 + i] & 15) | (packed[i] >> 6) << 4);
    codes.min[4 + i] = static_cast<uint8_t>((packed[8 + i] >> 4) | (packed[4 + i] >> 6) << 4);
  }
}

void write_scales_mins(const BlockCodes& codes, uint8_t* packed) {
  for (int i = 0; i < 4; ++i) {
    const auto scale = static_cast<uint8_t>(codes.scale[4 + i]);  // 0 .. 63
    const int min = codes.min[4 + i];
    packed[i] = static_cast<uint8_t>(codes.scale[i] | (scale >> 4) << 6);
    packed[4 + i] = static_cast<uint8_t>(codes.min[i] | (min >> 4) << 6);
    packed[8 + i] = static_cast<uint8_t>((scale & 15) | (min & 15) << 4);
  }
}

// Element e of a two-bit plane: halves of 128, in each byte four elements 32 apart.
struct Place {
  int byte;
  int shift;
};
Place two_bit(int e) {
  return {(e / 128) * 32 + e % 32, 2 * (e / 32 % 4)};
}
// Four-bit plane of Q4_K and Q5_K: chunks of 64, low nibbles the first 32.
Place four_bit(int e) {
  return {(e / 64) * 32 + e % 32, 4 * (e / 32 % 2)};
}
// Q6_K's four-bit plane: halves of 128, low nibbles the first 64.
Place four_bit_q6(int e) {
  return {(e / 128) * 64 + e % 64, 4 * (e / 64 % 2)};
}
// One-bit plane of Q3_K and Q5_K: bit = 32-block, byte = element in it.
Place one_bit(int e) {
  return {e % 32, e / 32};
}
// IQ4_XS: blocks of 32, low nibbles the first 16.
Place four_bit_iq4(int e) {
  return {(e / 32) * 16 + e % 16, 4 * (e / 16 % 2)};
}

int get(const uint8_t* plane, Place place, int mask) {
  return plane[place.byte] >> place.shift & mask;
}
void put(uint8_t* plane, Place place, int bits) {
  plane[place.byte] = static_cast<uint8_t>(plane[place.byte] | bits << place.shift);
}

// Sixteen six-bit scales in 12 bytes (Q3_K): low nibbles in bytes 0..7 (i low, i + 8 high), two high bits in
// bytes 8..11, four scales apart.
void read_scales_q3(const uint8_t* packed, BlockCodes& codes) {
  for (int i = 0; i < 16; ++i) {
    const int low = packed[i % 8] >> (i / 8 * 4) & 15;
    const int high = packed[8 + i % 4] >> (i / 4 * 2) & 3;
    codes.scale[i] = static_cast<int8_t>((low | high << 4) - 32);
  }
}
void write_scales_q3(const BlockCodes& codes, uint8_t* packed) {
  for (int i = 0; i < 16; ++i) {
    const int scale = codes.scale[i] + 32;
    put(packed, {i % 8, i / 8 * 4}, scale & 15);
    put(packed, {8 + i % 4, i / 4 * 2}, scale >> 4);
  }
}

}  // namespace

void take_apart_k(DType type, const uint8_t* b, BlockCodes& codes) {
  uint8_t* code = codes.code;
  const auto each = [&](auto&& read) {
    for (int e = 0; e < 256; ++e) code[e] = static_cast<uint8_t>(read(e));
  };
  switch (type) {
    case DType::kQ2_K:  // scales 16, codes 64, d, dmin
      for (int i = 0; i < 16; ++i) {
        codes.scale[i] = static_cast<int8_t>(b[i] & 15);
        codes.min[i] = b[i] >> 4;
      }
      each([&](int e) { return get(b + 16, two_bit(e), 3); });
      std::memcpy(&codes.d, b + 80, 2);
      std::memcpy(&codes.m, b + 82, 2);
      return;
    case DType::kQ3_K:  // high bits 32, low bits 64, scales 12, d
      each([&](int e) { return get(b + 32, two_bit(e), 3) | get(b, one_bit(e), 1) << 2; });
      read_scales_q3(b + 96, codes);
      std::memcpy(&codes.d, b + 108, 2);
      return;
    case DType::kQ4_K:  // d, dmin, scales 12, codes 128
    case DType::kQ5_K:  // d, dmin, scales 12, high bits 32, low bits 128
      std::memcpy(&codes.d, b, 2);
      std::memcpy(&codes.m, b + 2, 2);
      read_scales_mins(b + 4, codes);
      if (type == DType::kQ4_K) {
        each([&](int e) { return get(b + 16, four_bit(e), 15); });
      } else {
        each([&](int e) { return get(b + 48, four_bit(e), 15) | get(b + 16, one_bit(e), 1) << 4; });
      }
      return;
    case DType::kQ6_K:  // low bits 128, high bits 64, scales 16, d
      each([&](int e) { return get(b, four_bit_q6(e), 15) | get(b + 128, two_bit(e), 3) << 4; });
      std::memcpy(codes.scale, b + 192, 16);
      std::memcpy(&codes.d, b + 208, 2);
      return;
    default:  // IQ4_XS: d, high bits of scales 2, low nibbles of scales 4, codes 128
      std::memcpy(&codes.d, b, 2);
      for (int i = 0; i < 8; ++i) {
        const int low = b[4 + i / 2] >> (i % 2 * 4) & 15;
        const int high = b[2 + i / 4] >> (i % 4 * 2) & 3;
        codes.scale[i] = static_cast<int8_t>((low | high << 4) - 32);
      }
      each([&](int e) { return get(b + 8, four_bit_iq4(e), 15); });
  }
}

void put_together_k(DType type, const BlockCodes& codes, uint8_t* b) {
  const uint8_t* code = codes.code;
  std::memset(b, 0, static_cast<size_t>(traits(type).block_bytes));
  switch (type) {
    case DType::kQ2_K:
      for (int i = 0; i < 16; ++i) b[i] = static_cast<uint8_t>(codes.scale[i] | codes.min[i] << 4);
      for (int e = 0; e < 256; ++e) put(b + 16, two_bit(e), code[e]);
      std::memcpy(b + 80, &codes.d, 2);
      std::memcpy(b + 82, &codes.m, 2);
      return;
    case DType::kQ3_K:
      for (int e = 0; e < 256; ++e) {
        put(b + 32, two_bit(e), code[e] & 3);
        put(b, one_bit(e), code[e] >> 2);
      }
      write_scales_q3(codes, b + 96);
      std::memcpy(b + 108, &codes.d, 2);
      return;
    case DType::kQ4_K:
    case DType::kQ5_K:
      std::memcpy(b, &codes.d, 2);
      std::memcpy(b + 2, &codes.m, 2);
      write_scales_mins(codes, b + 4);
      for (int e = 0; e < 256; ++e) {
        put(b + (type == DType::kQ4_K ? 16 : 48), four_bit(e), code[e] & 15);
        if (type == DType::kQ5_K) put(b + 16, one_bit(e), code[e] >> 4);
      }
      return;
    case DType::kQ6_K:
      for (int e = 0; e < 256; ++e) {
        put(b, four_bit_q6(e), code[e] & 15);
        put(b + 128, two_bit(e), code[e] >> 4);
      }
      std::memcpy(b + 192, codes.scale, 16);
      std::memcpy(b + 208, &codes.d, 2);
      return;
    default:  // IQ4_XS
      std::memcpy(b, &codes.d, 2);
      for (int i = 0; i < 8; ++i) {
        const int scale = codes.scale[i] + 32;
        put(b + 4, {i / 2, i % 2 * 4}, scale & 15);
        put(b + 2, {i / 4, i % 4 * 2}, scale >> 4);
      }
      for (int e = 0; e < 256; ++e) put(b + 8, four_bit_iq4(e), code[e]);
  }
}

}  // namespace yoke::codes
