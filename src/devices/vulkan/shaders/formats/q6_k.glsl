// Q6_K: blocks of 256 with 16 subs of 16, 6-bit codes; value = d * scale * (code - 32).
#define BLOCK_BYTES 210
#define UNIT_BYTES 3392
#define SUB 16
#define K_QUANT
#define ZERO 32
float panel_d(uint64_t unit, uint lane) { return half_to_float(InU16(unit).v[lane]); }
int panel_scale(uint64_t unit, uint sub, uint lane) { return int(InI8(unit + 64).v[sub * 16 + lane]); }
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 320 + chunk * 768);
  [[unroll]] for (uint s = 0; s < 4; ++s) {
    const uint a = p.v[s * 48 + lane];
    const uint b = p.v[s * 48 + 16 + lane];
    const uint c = p.v[s * 48 + 32 + lane];
    q[s * 4] = a & 0x3F3F3F3Fu;
    q[s * 4 + 1] = b & 0x3F3F3F3Fu;
    q[s * 4 + 2] = c & 0x3F3F3F3Fu;
    q[s * 4 + 3] = ((a >> 6) & 0x03030303u) | (((b >> 6) & 0x03030303u) << 2) | (((c >> 6) & 0x03030303u) << 4);
  }
}

// The file's own blocks, element by element (Embed).
float stored_d(uint64_t block) { return half_to_float(load_u16(block + 208)); }
int stored_scale(uint64_t block, uint sub) { return int(InI8(block + 192).v[sub]); }
int stored_code(uint64_t block, uint e) {
  const uint quarter = e % 128 / 32;
  const uint v = uint(InU8(block).v[e / 128 * 64 + (quarter & 1u) * 32 + e % 32]);
  const uint high = (uint(InU8(block + 128).v[e / 128 * 32 + e % 32]) >> (quarter * 2)) & 3u;
  return int(((v >> (quarter / 2 * 4)) & 15u) | (high << 4));
}
