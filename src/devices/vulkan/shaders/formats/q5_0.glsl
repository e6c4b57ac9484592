// Q5_0: blocks of 32, 5-bit codes, the fifth bits apart; value = code - 16.
#define BLOCK_BYTES 22
#define UNIT_BYTES 704
#define SUB 32
#define ZERO 16
float panel_d(uint64_t unit, uint block, uint lane) { return half_to_float(InU16(unit).v[block * 16 + lane]); }
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 64);
  const uint high0 = p.v[lane];
  const uint high1 = p.v[16 + lane];
  [[unroll]] for (uint g = 0; g < 8; ++g) {
    const uint v = p.v[(2 + g) * 16 + lane];
    q[g] = (v & 0x0F0F0F0Fu) | (((high0 >> g) & 0x01010101u) << 4);
    q[8 + g] = ((v >> 4) & 0x0F0F0F0Fu) | (((high1 >> g) & 0x01010101u) << 4);
  }
}

// The file's own blocks, element by element (Embed).
float stored_d(uint64_t block) { return half_to_float(load_u16(block)); }
int stored_code(uint64_t block, uint e) {
  const uint v = uint(InU8(block + 6).v[e & 15u]);
  const uint high = (uint(InU8(block + 2).v[e / 8]) >> (e & 7u)) & 1u;
  return int((e < 16 ? v & 15u : v >> 4) | (high << 4));
}
