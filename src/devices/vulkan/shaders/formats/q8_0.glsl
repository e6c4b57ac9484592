// Q8_0: blocks of 32, an 8-bit value each; in panels as value + 128.
#define BLOCK_BYTES 34
#define UNIT_BYTES 1088
#define SUB 32
float panel_d(uint64_t unit, uint block, uint lane) { return half_to_float(InU16(unit).v[block * 16 + lane]); }
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 64);
  [[unroll]] for (uint i = 0; i < 16; ++i) q[i] = p.v[i * 16 + lane] ^ 0x80808080u;
}

// The file's own blocks, element by element (Embed).
float stored_d(uint64_t block) { return half_to_float(load_u16(block)); }
int stored_code(uint64_t block, uint e) { return int(InI8(block + 2).v[e]); }
