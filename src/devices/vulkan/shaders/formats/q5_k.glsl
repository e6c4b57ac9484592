// Q5_K: Q4_K with the codes' fifth bits apart.
#define BLOCK_BYTES 176
#define UNIT_BYTES 2880
#define SUB 32
#define K_QUANT
#define HAS_MIN
float panel_d(uint64_t unit, uint lane) { return half_to_float(InU16(unit).v[lane]); }
float panel_dmin(uint64_t unit, uint lane) { return half_to_float(InU16(unit + 32).v[lane]); }
int panel_scale(uint64_t unit, uint sub, uint lane) { return int(InU8(unit + 64).v[sub * 16 + lane]); }
int panel_min(uint64_t unit, uint sub, uint lane) {
  return int(InU8(unit + 192).v[((sub >> 1) * 16 + lane) * 2 + (sub & 1u)]);
}
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 320 + chunk * 640);
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
float stored_dmin(uint64_t block) { return half_to_float(load_u16(block + 2)); }
int stored_scale(uint64_t block, uint sub) {
  InU8 s = InU8(block + 4);
  if (sub < 4) return int(s.v[sub]) & 63;
  return (int(s.v[sub + 4]) & 15) | ((int(s.v[sub - 4]) >> 6) << 4);
}
int stored_min(uint64_t block, uint sub) {
  InU8 s = InU8(block + 4);
  if (sub < 4) return int(s.v[sub + 4]) & 63;
  return (int(s.v[sub + 4]) >> 4) | ((int(s.v[sub]) >> 6) << 4);
}
int stored_code(uint64_t block, uint e) {
  const uint v = uint(InU8(block + 48).v[e / 64 * 32 + e % 32]);
  const uint high = (uint(InU8(block + 16).v[e % 32]) >> (e / 32)) & 1u;
  return int(((v >> (e % 64 / 32 * 4)) & 15u) | (high << 4));
}
