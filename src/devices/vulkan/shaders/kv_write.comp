#version 460
// KvWrite: an invocation stores one element (q8_0: 32 dimensions) of a row's key and value.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "kv_cache.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Args {
  uint64_t k;             // [rows][kv_heads * head_dim] f32
  uint64_t v;             // as k
  uint64_t cache;         // [blocks][K, then V]
  uint64_t positions;     // [rows]
  uint64_t sequences;     // [rows]
  uint64_t block_tables;  // [sequences][stride]
  uint64_t table_stride;  // where the step says it
  uint kv_heads;
  uint head_dim;
  uint k_row_bytes;
  uint v_row_bytes;
} args;

#ifdef KV_Q8_0
// scale_at, q_at: where the group's scale goes and its first q; stride: bytes from one q to the next.
void store_group(uint64_t x, uint64_t scale_at, uint64_t q_at, uint stride) {
  float amax = 0.0;
  for (uint i = 0; i < 32; ++i) amax = max(amax, abs(InF32(x).v[i]));
  const bool zero = amax < uintBitsToFloat(0x0D800000u);            // 2^-100
  precise const float scale = amax * uintBitsToFloat(0x3C010204u);  // 0x1.020408p-7
  precise const float inverse = 127.0 * recip(amax);
  OutU16(scale_at).v[0] = uint16_t(zero ? 0u : float_to_half(scale));
  for (uint i = 0; i < 32; ++i) {
    precise const float scaled = InF32(x).v[i] * inverse;
    const int q = zero ? 0 : clamp(int(round_even(scaled)), -127, 127);
    OutI8(q_at + i * stride).v[0] = int8_t(q);
  }
}
#endif

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint item = gl_WorkGroupID.y * 64 + gl_LocalInvocationID.x;
#ifdef KV_Q8_0
  const uint first = item * 32;
#else
  const uint first = item;
#endif
  if (first >= args.kv_heads * args.head_dim) return;
  const uint head = first / args.head_dim;
  const uint d = first % args.head_dim;
  const uint position = InU32(args.positions).v[row];
  const uint slot = position % kBlockPositions;
  const uint block = block_id(args.block_tables, InU32(args.table_stride).v[0], InU32(args.sequences).v[row], position);
  const uint bytes = head_bytes(args.head_dim);
  const uint64_t k_head = args.cache + uint64_t(block) * (2 * args.kv_heads * bytes) + head * bytes;
  const uint64_t v_head = k_head + args.kv_heads * bytes;
  const uint64_t k_in = args.k + uint64_t(row) * args.k_row_bytes + first * 4;
  const uint64_t v_in = args.v + uint64_t(row) * args.v_row_bytes + first * 4;
#if defined(KV_F16)
  OutU16(k_head).v[d * 32 + slot] = uint16_t(float_to_half(InF32(k_in).v[0]));
  OutU16(v_head).v[slot * args.head_dim + d] = uint16_t(float_to_half(InF32(v_in).v[0]));
#elif defined(KV_F32)
  OutF32(k_head).v[d * 32 + slot] = InF32(k_in).v[0];
  OutF32(v_head).v[slot * args.head_dim + d] = InF32(v_in).v[0];
#else
  const uint groups = args.head_dim / 32;
  const uint q_offset = groups * 64;
  store_group(k_in, k_head + (d / 32 * 32 + slot) * 2, k_head + q_offset + d * 32 + slot, 32);
  store_group(v_in, v_head + (slot * groups + d / 32) * 2, v_head + q_offset + slot * args.head_dim + d, 1);
#endif
}
