// Q2_K: blocks of 256 with 16 subs of 16, 2-bit codes; value = d * scale * code - dmin * min.
#define BLOCK_BYTES 84
#define UNIT_BYTES 1344
#define SUB 16
#define K_QUANT
#define HAS_MIN
float panel_d(uint64_t unit, uint lane) { return half_to_float(InU16(unit).v[lane]); }
float panel_dmin(uint64_t unit, uint lane) { return half_to_float(InU16(unit + 32).v[lane]); }
int panel_both(uint64_t unit, uint sub, uint lane) {
  return int(InU8(unit + 64).v[((sub >> 1) * 16 + lane) * 2 + (sub & 1u)]);
}
int panel_scale(uint64_t unit, uint sub, uint lane) { return panel_both(unit, sub, lane) & 15; }
int panel_min(uint64_t unit, uint sub, uint lane) { return panel_both(unit, sub, lane) >> 4; }
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 320 + chunk * 256);
  [[unroll]] for (uint s = 0; s < 4; ++s) {
    const uint v = p.v[s * 16 + lane];
    [[unroll]] for (uint g = 0; g < 4; ++g) q[s * 4 + g] = (v >> (2u * g)) & 0x03030303u;
  }
}

// The file's own blocks, element by element (Embed).
float stored_d(uint64_t block) { return half_to_float(load_u16(block + 80)); }
float stored_dmin(uint64_t block) { return half_to_float(load_u16(block + 82)); }
int stored_scale(uint64_t block, uint sub) { return int(InU8(block).v[sub]) & 15; }
int stored_min(uint64_t block, uint sub) { return int(InU8(block).v[sub]) >> 4; }
int stored_code(uint64_t block, uint e) {
  const uint v = uint(InU8(block + 16).v[e / 128 * 32 + e % 32]);
  return int((v >> (e % 128 / 32 * 2)) & 3u);
}
