#version 460
// QuantizeRows: a workgroup takes 256 elements of one row.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "quantize.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Args {
  uint64_t x;       // [rows][k] f32
  uint64_t result;  // quantized rows
  uint k;
  uint format;  // 16, 32 or 256
  uint x_row_bytes;
  uint result_row_bytes;
  uint scale_offset;
  uint sums_offset;
  uint sums32_offset;
} args;

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint thread = gl_LocalInvocationID.x;
  const uint first = gl_WorkGroupID.y * 256 + thread * 4;
  vec4 x = vec4(0.0);
  if (first < args.k) x = InF32x4(args.x + uint64_t(row) * args.x_row_bytes).v[first / 4];
  const QuantizedRow to = QuantizedRow(args.result + uint64_t(row) * args.result_row_bytes, args.scale_offset,
                                       args.sums_offset, args.sums32_offset);
  quantize_chunk(x, first, args.k, thread, args.format, to);
}
