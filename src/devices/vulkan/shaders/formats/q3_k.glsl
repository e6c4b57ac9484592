// Q3_K: blocks of 256 with 16 subs of 16, 3-bit codes, in panels two or three a byte; value = d * scale * (code - 4).
#define BLOCK_BYTES 110
#define UNIT_BYTES 1856
#define SUB 16
#define K_QUANT
#define ZERO 4
float panel_d(uint64_t unit, uint lane) { return half_to_float(InU16(unit).v[lane]); }
int panel_scale(uint64_t unit, uint sub, uint lane) {
  return int(InI8(unit + 64).v[((sub >> 1) * 16 + lane) * 2 + (sub & 1u)]);
}
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 320 + chunk * 384);
  [[unroll]] for (uint half_of = 0; half_of < 2; ++half_of) {
    uint v[3];
    [[unroll]] for (uint i = 0; i < 3; ++i) v[i] = p.v[(half_of * 3 + i) * 16 + lane];
    [[unroll]] for (uint g = 0; g < 6; ++g) q[half_of * 8 + g] = (v[g >> 1] >> (3u * (g & 1u))) & 0x07070707u;
    [[unroll]] for (uint g = 6; g < 8; ++g) {
      q[half_of * 8 + g] = ((v[g - 6] >> 6) & 0x03030303u) | (((v[2] >> g) & 0x01010101u) << 2);
    }
  }
}

// The file's own blocks, element by element (Embed).
float stored_d(uint64_t block) { return half_to_float(load_u16(block + 108)); }
int stored_scale(uint64_t block, uint sub) {
  InU8 s = InU8(block + 96);
  const uint low = (uint(s.v[sub & 7u]) >> (sub < 8 ? 0 : 4)) & 15u;
  const uint high = (uint(s.v[8 + (sub & 3u)]) >> (sub / 4 * 2)) & 3u;
  return int(low | (high << 4)) - 32;
}
int stored_code(uint64_t block, uint e) {
  const uint low = (uint(InU8(block + 32).v[e / 128 * 32 + e % 32]) >> (e % 128 / 32 * 2)) & 3u;
  const uint high = (uint(InU8(block).v[e % 32]) >> (e / 32)) & 1u;
  return int(low | (high << 2));
}
