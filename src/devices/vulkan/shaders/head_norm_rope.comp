#version 460
// HeadNormRope: a workgroup takes one head of one row.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "sum_of_squares.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Args {
  uint64_t x;       // [rows][heads * head_dim] f32
  uint64_t weight;  // [head_dim] f32, or 0: no norm
  uint64_t rope;    // [rows][rotated / 2][2]: cosine, sine
  uint64_t result;  // as x
  float eps;
  float inverse_head_dim;
  uint head_dim;
  uint rotated;
  uint halves;  // 1: pairs are (i, i + rotated / 2); 0: (2i, 2i + 1)
  uint x_row_bytes;
  uint result_row_bytes;
} args;

float normalized(uint64_t x, float r, uint i) {
  float v = InF32(x).v[i];
  if (args.weight != 0) {
    precise const float scaled = v * r;
    precise const float y = scaled * InF32(args.weight).v[i];
    v = y;
  }
  return v;
}

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint thread = gl_LocalInvocationID.x;
  const uint64_t head = uint64_t(gl_WorkGroupID.y) * args.head_dim * 4;
  const uint64_t x = args.x + uint64_t(row) * args.x_row_bytes + head;
  const uint64_t result = args.result + uint64_t(row) * args.result_row_bytes + head;
  float r = 0.0;
  if (args.weight != 0) {
    r = norm_factor(sum_of_squares(x, args.head_dim, thread), args.inverse_head_dim, args.eps);
    barrier();  // everything is read before a result in x's own memory is written
  }
  const uint pairs = args.rotated / 2;
  InF32 turn = InF32(args.rope + uint64_t(row) * pairs * 8);
  for (uint i = thread; i < pairs; i += 64) {
    const uint a = args.halves != 0 ? i : 2 * i;
    const uint b = args.halves != 0 ? i + pairs : 2 * i + 1;
    const float x0 = normalized(x, r, a);
    const float x1 = normalized(x, r, b);
    const float c = turn.v[2 * i];
    const float s = turn.v[2 * i + 1];
    precise const float p00 = x0 * c;
    precise const float p01 = x1 * s;
    precise const float p10 = x0 * s;
    precise const float p11 = x1 * c;
    precise const float y0 = p00 - p01;
    precise const float y1 = p10 + p11;
    OutF32(result).v[a] = y0;
    OutF32(result).v[b] = y1;
  }
  for (uint i = args.rotated + thread; i < args.head_dim; i += 64) OutF32(result).v[i] = normalized(x, r, i);
}
