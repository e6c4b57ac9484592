#version 460
// Counts a loop of 300 x 300 iterations: a driver that cuts long loops says less than 90,000 (Mesa's lavapipe before
// 24.1 does, silently).
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Args {
  uint64_t result;  // [64] uint
  uint side;        // 300
} args;

void main() {
  uint count = gl_LocalInvocationID.x;  // keeps the compiler from knowing the sum
  for (uint i = 0; i < args.side; ++i) {
    for (uint j = 0; j < args.side; ++j) count += (count & 1u) | 1u;
  }
  OutU32(args.result).v[gl_LocalInvocationID.x] = count - gl_LocalInvocationID.x;
}
