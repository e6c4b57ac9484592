// MXFP4: blocks of 32, 4-bit floats as codes into the doubled values, the scale a power of two.
#define BLOCK_BYTES 17
#define UNIT_BYTES 576
#define SUB 32
#include "codebook.glsl"
float panel_d(uint64_t unit, uint block, uint lane) { return bf16_to_float(InU16(unit).v[block * 16 + lane]); }
void load_chunk(uint64_t unit, uint chunk, uint lane, out uint q[16]) {
  InU32 p = InU32(unit + 64);
  [[unroll]] for (uint g = 0; g < 8; ++g) {
    const uint v = p.v[g * 16 + lane];
    q[g] = code_values(v & 0x0F0F0F0Fu, kMxfp4Book);
    q[8 + g] = code_values((v >> 4) & 0x0F0F0F0Fu, kMxfp4Book);
  }
}

// The file's own blocks, element by element (Embed).
float stored_d(uint64_t block) {
  const uint e = uint(InU8(block).v[0]);  // 2^(e - 128)
  return uintBitsToFloat(e < 2 ? 0x00200000u << e : (e - 1) << 23);
}
int stored_code(uint64_t block, uint e) {
  const uint v = uint(InU8(block + 1).v[e & 15u]);
  return signed_code(e < 16 ? v & 15u : v >> 4, kMxfp4Book);
}
