#version 460
// Add, GatedMul, Copy and WantedRows: four words per invocation, over whole padded rows. The build sets OP_...
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Args {
  uint64_t a;       // [rows] rows
  uint64_t b;       // [rows] rows; of WantedRows: the row indices, uint
  uint64_t result;  // [rows] rows
  uint row_quads;   // 16-byte words in a row
} args;

vec4 combine(vec4 a, vec4 b) {
  precise vec4 y;
#if defined(OP_ADD)
  y = a + b;
#else
  const vec4 s = vec4(silu(a.x), silu(a.y), silu(a.z), silu(a.w));
  y = s * b;
#endif
  return y;
}

void main() {
  const uint quad = gl_WorkGroupID.y * 64 + gl_LocalInvocationID.x;
  if (quad >= args.row_quads) return;
  const uint row = gl_WorkGroupID.x;
  const uint at = row * args.row_quads + quad;
#if defined(OP_COPY)
  OutU32x4(args.result).v[at] = InU32x4(args.a).v[at];
#elif defined(OP_WANTED_ROWS)
  OutU32x4(args.result).v[at] = InU32x4(args.a).v[InU32(args.b).v[row] * args.row_quads + quad];
#else
  OutF32x4(args.result).v[at] = combine(InF32x4(args.a).v[at], InF32x4(args.b).v[at]);
#endif
}
