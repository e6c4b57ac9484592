#version 460
// RmsNorm: a workgroup takes one row; the result is f32 or quantized.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "quantize.glsl"
#include "sum_of_squares.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Args {
  uint64_t x;       // [rows][width] f32
  uint64_t weight;  // [width] f32
  uint64_t result;  // [rows][width]
  float eps;
  float inverse_width;
  uint width;
  uint format;  // of the result: 0 f32, 16 bf16, 32 q8x32, 256 q8x256
  uint x_row_bytes;
  uint result_row_bytes;
  uint scale_offset;
  uint sums_offset;
  uint sums32_offset;
} args;

float normalized(uint64_t x, float r, uint i) {
  precise const float scaled = InF32(x).v[i] * r;
  precise const float y = scaled * InF32(args.weight).v[i];
  return y;
}

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint thread = gl_LocalInvocationID.x;
  const uint64_t x = args.x + uint64_t(row) * args.x_row_bytes;
  const uint64_t result = args.result + uint64_t(row) * args.result_row_bytes;
  const float r = norm_factor(sum_of_squares(x, args.width, thread), args.inverse_width, args.eps);
  if (args.format == 0) {
    for (uint i = thread; i < args.width; i += 64) OutF32(result).v[i] = normalized(x, r, i);
    return;
  }
  const QuantizedRow to = QuantizedRow(result, args.scale_offset, args.sums_offset, args.sums32_offset);
  for (uint chunk = 0; chunk < args.width; chunk += 256) {
    const uint first = chunk + thread * 4;
    vec4 y = vec4(0.0);
    [[unroll]] for (int c = 0; c < 4; ++c) {
      if (first + c < args.width) y[c] = normalized(x, r, first + c);
    }
    quantize_chunk(y, first, args.width, thread, args.format, to);
    barrier();
  }
}
