// Q4_1: blocks of 32, 4-bit codes; value = code * d + m.
#define BLOCK_BYTES 20
#define UNIT_BYTES 640
#define SUB 32
#define HAS_MIN
float panel_d(uint64_t unit, uint block, uint lane) { return half_to_float(InU16(unit).v[block * 16 + lane]); }
float panel_m(uint64_t unit, uint block, uint lane) { return half_to_float(InU16(unit + 64).v[block * 16 + lane]); }
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 128);
  [[unroll]] for (uint g = 0; g < 8; ++g) {
    const uint v = p.v[g * 16 + lane];
    q[g] = v & 0x0F0F0F0Fu;
    q[8 + g] = (v >> 4) & 0x0F0F0F0Fu;
  }
}

// The file's own blocks, element by element (Embed).
float stored_d(uint64_t block) { return half_to_float(load_u16(block)); }
float stored_m(uint64_t block) { return half_to_float(load_u16(block + 2)); }
int stored_code(uint64_t block, uint e) {
  const uint v = uint(InU8(block + 4).v[e & 15u]);
  return int(e < 16 ? v & 15u : v >> 4);
}
