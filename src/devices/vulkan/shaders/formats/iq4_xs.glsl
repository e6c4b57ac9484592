// IQ4_XS: blocks of 256 with 8 subs of 32, 4-bit codes into a table; value = d * scale * table[code].
#define BLOCK_BYTES 136
#define UNIT_BYTES 2240
#define SUB 32
#define K_QUANT
#include "codebook.glsl"
float panel_d(uint64_t unit, uint lane) { return half_to_float(InU16(unit).v[lane]); }
int panel_scale(uint64_t unit, uint sub, uint lane) { return int(InI8(unit + 64).v[sub * 16 + lane]); }
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 192 + chunk * 512);
  [[unroll]] for (uint g = 0; g < 8; ++g) {
    const uint v = p.v[g * 16 + lane];
    q[g] = code_values(v & 0x0F0F0F0Fu, kIq4Book);
    q[8 + g] = code_values((v >> 4) & 0x0F0F0F0Fu, kIq4Book);
  }
}

// The file's own blocks, element by element (Embed).
float stored_d(uint64_t block) { return half_to_float(load_u16(block)); }
int stored_scale(uint64_t block, uint sub) {
  const uint low = (uint(InU8(block + 4).v[sub / 2]) >> ((sub & 1u) * 4)) & 15u;
  const uint high = (load_u16(block + 2) >> (sub * 2)) & 3u;
  return int(low | (high << 4)) - 32;
}
int stored_code(uint64_t block, uint e) {
  const uint v = uint(InU8(block + 8).v[e / 32 * 16 + e % 16]);
  return signed_code(e % 32 < 16 ? v & 15u : v >> 4, kIq4Book);
}
