// How pack_panels() fills one row's lane of one unit, by family; all write only lane `r` and expect zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tensor/dtype.h"

namespace yoke::pack {

inline constexpr int kVector = 64;  // bytes of one vector: 16 rows x 4

inline uint32_t load32(const uint8_t* p) {
  uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}
inline void store32(uint8_t* p, uint32_t v) {
  std::memcpy(p, &v, 4);
}
// The bit 8g + s of x becomes bit 8s + g: an 8 x 8 transposition.
inline uint64_t transpose_bits(uint64_t x) {
  uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAull;
  x = x ^ t ^ (t << 7);
  t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCull;
  x = x ^ t ^ (t << 14);
  t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ull;
  return x ^ t ^ (t << 28);
}

// Eight vectors of nibbles from two blocks whose byte j holds elements j (low) and j + 16 (high): block a in
// the low nibbles, block b (null: zeros) in the high ones.
inline void nibble_pair(const uint8_t* a, const uint8_t* b, uint8_t* lane) {
  for (int g = 0; g < 4; ++g) {
    const uint32_t wa = load32(a + 4 * g);
    const uint32_t wb = b ? load32(b + 4 * g) : 0;
    store32(lane + kVector * g, (wa & 0x0F0F0F0Fu) | (wb & 0x0F0F0F0Fu) << 4);
    store32(lane + kVector * (g + 4), (wa >> 4 & 0x0F0F0F0Fu) | (wb & 0xF0F0F0F0u));
  }
}

// unit: the unit's first byte; r: the row's lane. Blocks of 32: `blocks` (1 or 2) stored blocks. Blocks of
// 256: one.
using PackUnit = void (*)(const uint8_t* stored, int blocks, int r, uint8_t* unit);
PackUnit pack_unit_32(DType type);
PackUnit pack_unit_k(DType type);

}  // namespace yoke::pack
