// Units of one block of 256 (docs/layouts.md). Four bytes at a time, so that a model packs at load.
#include "tensor/pack.h"

namespace yoke::pack {
namespace {

constexpr uint32_t kLow1 = 0x01010101u;
constexpr uint32_t kLow2 = 0x03030303u;
constexpr uint32_t kLow4 = 0x0F0F0F0Fu;

// d and, where the format has it, dmin: [2][16] of 16-bit values.
void copy_scales(const uint8_t* d, const uint8_t* dmin, int r, uint8_t* unit) {
  std::memcpy(unit + 2 * r, d, 2);
  if (dmin) std::memcpy(unit + 32 + 2 * r, dmin, 2);
}

// Where Q2_K and Q3_K have row r's byte of sub s: [8 pairs][16][2].
int sub_pair(int s, int r) {
  return 64 + 32 * (s / 2) + 2 * r + s % 2;
}

// Q4_K's and Q5_K's scales [8 subs][16] and mins [4 pairs][16][2] from their 12 bytes (see codes_k.cc).
void scales_mins(const uint8_t* packed, int r, uint8_t* scales, uint8_t* mins) {
  const uint32_t a = load32(packed);
  const uint32_t b = load32(packed + 4);
  const uint32_t c = load32(packed + 8);
  const uint32_t sc[2] = {a & 0x3F3F3F3Fu, (c & kLow4) | (a >> 2 & 0x30303030u)};
  const uint32_t mn[2] = {b & 0x3F3F3F3Fu, (c >> 4 & kLow4) | (b >> 2 & 0x30303030u)};
  for (int s = 0; s < 8; ++s) {
    scales[16 * s + r] = static_cast<uint8_t>(sc[s / 4] >> 8 * (s % 4));
    mins[32 * (s / 2) + 2 * r + s % 2] = static_cast<uint8_t>(mn[s / 4] >> 8 * (s % 4));
  }
}

// One bit plane whose byte l holds bit s of element l of sub s: eight vectors, vector s, byte j, bit g for
// element 4g + j. vector(s): where it lies.
template <class Vector>
void bit_plane(const uint8_t* plane, int r, Vector&& vector) {
  uint64_t by_sub[4];  // byte s: bits g of elements 4g + j
  for (int j = 0; j < 4; ++j) {
    uint64_t x = 0;
    for (int g = 0; g < 8; ++g) x |= static_cast<uint64_t>(plane[4 * g + j]) << 8 * g;
    by_sub[j] = transpose_bits(x);
  }
  for (int s = 0; s < 8; ++s) {
    uint32_t word = 0;
    for (int j = 0; j < 4; ++j) word |= static_cast<uint32_t>(by_sub[j] >> 8 * s & 0xFF) << 8 * j;
    store32(vector(s) + 4 * r, word);
  }
}

// Two-bit plane of Q2_K: 16 vectors, one per sub of 16, bits 2g of byte j for element 4g + j.
void two_bits(const uint8_t* plane, int r, uint8_t* vectors) {
  for (int s = 0; s < 16; ++s) {
    const uint8_t* from = plane + 32 * (s / 8) + 16 * (s % 2);
    const int shift = 2 * (s / 2 % 4);
    uint32_t word = 0;
    for (int g = 0; g < 4; ++g) word |= (load32(from + 4 * g) >> shift & kLow2) << 2 * g;
    store32(vectors + kVector * s + 4 * r, word);
  }
}

void q4_k(const uint8_t* b, int, int r, uint8_t* unit) {
  copy_scales(b, b + 2, r, unit);
  scales_mins(b + 4, r, unit + 64, unit + 192);
  uint8_t* lane = unit + 320 + 4 * r;
  for (int v = 0; v < 32; ++v) store32(lane + kVector * v, load32(b + 16 + 4 * v));
}

void q5_k(const uint8_t* b, int, int r, uint8_t* unit) {
  copy_scales(b, b + 2, r, unit);
  scales_mins(b + 4, r, unit + 64, unit + 192);
  constexpr int kChunk = 10 * kVector;
  bit_plane(b + 16, r, [&](int s) { return unit + 320 + kChunk * (s / 2) + kVector * (s % 2); });
  uint8_t* lane = unit + 320 + 2 * kVector + 4 * r;
  for (int v = 0; v < 32; ++v) store32(lane + kChunk * (v / 8) + kVector * (v % 8), load32(b + 48 + 4 * v));
}

void q6_k(const uint8_t* b, int, int r, uint8_t* unit) {
  copy_scales(b + 208, nullptr, r, unit);
  for (int s = 0; s < 16; ++s) unit[64 + 16 * s + r] = b[192 + s];
  uint8_t* lane = unit + 320 + 4 * r;
  for (int half = 0; half < 2; ++half) {
    const uint8_t* low = b + 64 * half;
    const uint8_t* high = b + 128 + 32 * half;
    uint32_t code[4][8];  // [32 elements][group of four]: six bits each
    for (int g = 0; g < 8; ++g) {
      const uint32_t l0 = load32(low + 4 * g);
      const uint32_t l1 = load32(low + 32 + 4 * g);
      const uint32_t h = load32(high + 4 * g);
      code[0][g] = (l0 & kLow4) | (h & kLow2) << 4;
      code[1][g] = (l1 & kLow4) | (h >> 2 & kLow2) << 4;
      code[2][g] = (l0 >> 4 & kLow4) | (h >> 4 & kLow2) << 4;
      code[3][g] = (l1 >> 4 & kLow4) | (h >> 6 & kLow2) << 4;
    }
    for (int s = 0; s < 8; ++s) {
      const uint32_t* group = &code[s / 2][s % 2 * 4];
      uint8_t* at = lane + 3 * kVector * (8 * half + s);
      for (int v = 0; v < 3; ++v) {
        store32(at + kVector * v, group[v] | (group[3] >> 2 * v & kLow2) << 6);
      }
    }
  }
}

void q3_k(const uint8_t* b, int, int r, uint8_t* unit) {
  copy_scales(b + 108, nullptr, r, unit);
  const uint8_t* packed = b + 96;
  for (int i = 0; i < 16; ++i) {
    const int low = packed[i % 8] >> (i / 8 * 4) & 15;
    const int high = packed[8 + i % 4] >> (i / 4 * 2) & 3;
    unit[sub_pair(i, r)] = static_cast<uint8_t>((low | high << 4) - 32);
  }
  for (int s = 0; s < 8; ++s) {
    uint32_t code[8];  // [group of four]: three bits each
    for (int g = 0; g < 8; ++g) {
      const uint32_t two = load32(b + 32 + 32 * (s / 4) + 4 * g) >> 2 * (s % 4) & kLow2;
      code[g] = two | (load32(b + 4 * g) >> s & kLow1) << 2;
    }
    uint8_t* at = unit + 320 + 3 * kVector * s + 4 * r;
    store32(at, code[0] | code[1] << 3 | (code[6] & kLow2) << 6);
    store32(at + kVector, code[2] | code[3] << 3 | (code[7] & kLow2) << 6);
    const uint32_t rest = (code[6] >> 2 & kLow1) << 6 | (code[7] >> 2 & kLow1) << 7;
    store32(at + 2 * kVector, code[4] | code[5] << 3 | rest);
  }
}

void q2_k(const uint8_t* b, int, int r, uint8_t* unit) {
  copy_scales(b + 80, b + 82, r, unit);
  for (int s = 0; s < 16; ++s) unit[sub_pair(s, r)] = b[s];
  two_bits(b + 16, r, unit + 320);
}

void iq4_xs(const uint8_t* b, int, int r, uint8_t* unit) {
  copy_scales(b, nullptr, r, unit);
  for (int i = 0; i < 8; ++i) {
    const int low = b[4 + i / 2] >> (i % 2 * 4) & 15;
    const int high = b[2 + i / 4] >> (i % 4 * 2) & 3;
    unit[64 + 16 * i + r] = static_cast<uint8_t>((low | high << 4) - 32);
  }
  for (int c = 0; c < 4; ++c) {
    nibble_pair(b + 8 + 32 * c, b + 24 + 32 * c, unit + 192 + 8 * kVector * c + 4 * r);
  }
}

}  // namespace

PackUnit pack_unit_k(DType type) {
  switch (type) {
    case DType::kQ2_K:
      return q2_k;
    case DType::kQ3_K:
      return q3_k;
    case DType::kQ4_K:
      return q4_k;
    case DType::kQ5_K:
      return q5_k;
    case DType::kQ6_K:
      return q6_k;
    default:
      return iq4_xs;
  }
}

}  // namespace yoke::pack
