#version 460
// Embed: an invocation dequantizes one element of a token's row. The build sets FORMAT_...
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "format.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Args {
  uint64_t table;   // [vocabulary][width]
  uint64_t tokens;  // [rows] int
  uint64_t result;  // [rows][width] f32
  uint width;
  uint panel16;      // the table's layout: 1 panel16, 0 stored
  uint table_bytes;  // of a stored row or of a panel
  uint result_row_bytes;
} args;

#ifndef FLOAT_WEIGHTS
#ifdef K_QUANT
const uint kBlock = 256;
#else
const uint kBlock = 32;
#endif

// One element of a panel: its chunk of 64 is taken apart, its byte kept.
int panel_code(uint64_t unit, uint e, uint lane) {
  uint q[16];
  load_chunk(unit, e / 64, lane, q);
  return int(q[e % 64 / 4] << (24 - e % 4 * 8)) >> 24;
}

float element(uint64_t at, uint k, uint lane) {
  int code;
  float scale;
  float offset = 0.0;
  if (args.panel16 != 0) {
#ifdef K_QUANT
    const uint64_t unit = at + (k / 256) * UNIT_BYTES;
    code = panel_code(unit, k % 256, lane);
    precise const float d = panel_d(unit, lane) * float(panel_scale(unit, k % 256 / SUB, lane));
#ifdef HAS_MIN
    precise const float low = panel_dmin(unit, lane) * float(panel_min(unit, k % 256 / SUB, lane));
    offset = -low;
#endif
#else
    const uint64_t unit = at + (k / 64) * UNIT_BYTES;
    code = panel_code(unit, k % 64, lane);
    const float d = panel_d(unit, k % 64 / 32, lane);
#ifdef HAS_MIN
    offset = panel_m(unit, k % 64 / 32, lane);
#endif
#endif
    scale = d;
  } else {
    const uint64_t block = at + (k / kBlock) * BLOCK_BYTES;
    const uint e = k % kBlock;
    code = stored_code(block, e);
#ifdef K_QUANT
    precise const float d = stored_d(block) * float(stored_scale(block, e / SUB));
#ifdef HAS_MIN
    precise const float low = stored_dmin(block) * float(stored_min(block, e / SUB));
    offset = -low;
#endif
#else
    const float d = stored_d(block);
#ifdef HAS_MIN
    offset = stored_m(block);
#endif
#endif
    scale = d;
  }
#ifdef ZERO
  code -= ZERO;
#endif
  precise float y = scale * float(code);
#ifdef HAS_MIN
  y = y + offset;
#endif
  return y;
}
#else
float element(uint64_t at, uint k, uint lane) {
  return args.panel16 != 0 ? panel_element(at, k, lane) : stored_element(at, k);
}
#endif

void main() {
  const uint k = gl_WorkGroupID.y * 64 + gl_LocalInvocationID.x;
  if (k >= args.width) return;
  const uint row = gl_WorkGroupID.x;
  const uint token = InU32(args.tokens).v[row];
  const uint at = args.panel16 != 0 ? token / 16 : token;
  const float y = element(args.table + uint64_t(at) * args.table_bytes, k, token % 16);
  OutF32(args.result + uint64_t(row) * args.result_row_bytes).v[k] = y;
}
