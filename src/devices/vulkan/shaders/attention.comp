#version 460
// Attention: a workgroup takes HEADS query heads of one row that share a kv head. Tiles of 256 positions, each
// from its own maximum, folded in order (docs/numerics.md). The build sets HEADS and KV_...
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "kv_cache.glsl"

layout(local_size_x = 64) in;

layout(push_constant) uniform Args {
  uint64_t q;             // [rows][heads * head_dim] f32
  uint64_t cache;         // [blocks][K, then V]
  uint64_t result;        // as q
  uint64_t positions;     // [rows]
  uint64_t sequences;     // [rows]
  uint64_t block_tables;  // [sequences][stride]
  uint64_t table_stride;  // where the step says it
  float scale;
  uint heads;
  uint kv_heads;
  uint head_dim;  // at most 256
  uint window;    // 0: all
  uint q_row_bytes;
  uint result_row_bytes;
} args;

const uint kTile = 256;
const uint kMaxDim = 256;

shared float query[HEADS * kMaxDim];   // q * scale
shared float weight[HEADS * kTile];    // scores, then their exponentials
shared float folded[HEADS * kMaxDim];  // the tiles so far
shared float partial[HEADS * 64];

float key(uint64_t head, uint d, uint slot) {
#if defined(KV_F16)
  return half_to_float(InU16(head).v[d * 32 + slot]);
#elif defined(KV_F32)
  return InF32(head).v[d * 32 + slot];
#else
  const float scale = half_to_float(InU16(head).v[d / 32 * 32 + slot]);
  precise const float k = float(InI8(head + args.head_dim * 2).v[d * 32 + slot]) * scale;
  return k;
#endif
}

float value(uint64_t head, uint d, uint slot) {
#if defined(KV_F16)
  return half_to_float(InU16(head).v[slot * args.head_dim + d]);
#elif defined(KV_F32)
  return InF32(head).v[slot * args.head_dim + d];
#else
  const float scale = half_to_float(InU16(head).v[slot * (args.head_dim / 32) + d / 32]);
  precise const float v = float(InI8(head + args.head_dim * 2).v[slot * args.head_dim + d]) * scale;
  return v;
#endif
}

// Joins partial[][64] by halves with a sum or a maximum; the result stands in partial[head * 64].
void join(uint thread, bool sum) {
  barrier();
  for (uint half_width = 32; half_width > 0; half_width /= 2) {
    if (thread < half_width) {
      [[unroll]] for (uint h = 0; h < HEADS; ++h) {
        const float a = partial[h * 64 + thread];
        const float b = partial[h * 64 + thread + half_width];
        precise const float added = a + b;
        partial[h * 64 + thread] = sum ? added : max(a, b);
      }
    }
    barrier();
  }
}

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint thread = gl_LocalInvocationID.x;
  const uint head_dim = args.head_dim;
  const uint first_head = gl_WorkGroupID.y * HEADS;
  const uint kv_head = first_head / (args.heads / args.kv_heads);
  const uint position = InU32(args.positions).v[row];
  const uint sequence = InU32(args.sequences).v[row];
  const uint stride = InU32(args.table_stride).v[0];
  const uint bytes = head_bytes(head_dim);
  const uint block_bytes = 2 * args.kv_heads * bytes;
  const uint64_t k_base = args.cache + kv_head * bytes;
  const uint64_t v_base = k_base + args.kv_heads * bytes;
  const uint first_seen = args.window != 0 && position + 1 > args.window ? position + 1 - args.window : 0;

  const uint64_t q = args.q + uint64_t(row) * args.q_row_bytes + first_head * head_dim * 4;
  for (uint i = thread; i < HEADS * head_dim; i += 64) {
    precise const float scaled = InF32(q).v[i] * args.scale;
    query[i] = scaled;
  }

  float best[HEADS];   // largest score of the tiles so far
  float total[HEADS];  // sum of the exponentials, from best
  for (uint tile = first_seen / kTile; tile <= position / kTile; ++tile) {
    const uint tile_first = max(first_seen, tile * kTile);
    const uint tile_last = min(position, tile * kTile + kTile - 1);
    barrier();
    float largest[HEADS];
    [[unroll]] for (uint h = 0; h < HEADS; ++h) largest[h] = uintBitsToFloat(0xFF800000u);
    for (uint p = tile * kTile + thread; p <= tile_last; p += 64) {
      if (p < tile_first) continue;
      const uint64_t head = k_base + uint64_t(block_id(args.block_tables, stride, sequence, p)) * block_bytes;
      precise float score[HEADS];
      [[unroll]] for (uint h = 0; h < HEADS; ++h) score[h] = 0.0;
      for (uint d = 0; d < head_dim; ++d) {
        const float k = key(head, d, p % kBlockPositions);
        [[unroll]] for (uint h = 0; h < HEADS; ++h) {
          precise const float product = query[h * head_dim + d] * k;
          precise const float added = score[h] + product;
          score[h] = added;
        }
      }
      [[unroll]] for (uint h = 0; h < HEADS; ++h) {
        weight[h * kTile + p % kTile] = score[h];
        largest[h] = max(largest[h], score[h]);
      }
    }
    [[unroll]] for (uint h = 0; h < HEADS; ++h) partial[h * 64 + thread] = largest[h];
    join(thread, false);
    [[unroll]] for (uint h = 0; h < HEADS; ++h) largest[h] = partial[h * 64];
    barrier();

    float sum[HEADS];
    [[unroll]] for (uint h = 0; h < HEADS; ++h) sum[h] = 0.0;
    for (uint p = tile * kTile + thread; p <= tile_last; p += 64) {
      if (p < tile_first) continue;
      [[unroll]] for (uint h = 0; h < HEADS; ++h) {
        precise const float below = weight[h * kTile + p % kTile] - largest[h];
        const float e = exp_exact(below);
        weight[h * kTile + p % kTile] = e;
        precise const float added = sum[h] + e;
        sum[h] = added;
      }
    }
    [[unroll]] for (uint h = 0; h < HEADS; ++h) partial[h * 64 + thread] = sum[h];
    join(thread, true);

    float keep[HEADS];  // what the tiles so far, and this one, count after the fold
    float take[HEADS];
    const bool first = tile == first_seen / kTile;
    [[unroll]] for (uint h = 0; h < HEADS; ++h) {
      sum[h] = partial[h * 64];
      const float now = first ? largest[h] : max(best[h], largest[h]);
      precise const float below_best = best[h] - now;
      precise const float below_largest = largest[h] - now;
      keep[h] = exp_exact(below_best);
      take[h] = exp_exact(below_largest);
      precise const float kept = total[h] * keep[h];
      precise const float taken = sum[h] * take[h];
      precise const float joined = kept + taken;
      total[h] = first ? sum[h] : joined;
      best[h] = now;
    }

    for (uint d = thread; d < head_dim; d += 64) {
      float acc[HEADS];
      [[unroll]] for (uint h = 0; h < HEADS; ++h) acc[h] = 0.0;
      uint p = tile_first;
      while (p <= tile_last) {
        const uint64_t head = v_base + uint64_t(block_id(args.block_tables, stride, sequence, p)) * block_bytes;
        const uint block_last = min(tile_last, p | (kBlockPositions - 1));
        for (; p <= block_last; ++p) {
          const float v = value(head, d, p % kBlockPositions);
          [[unroll]] for (uint h = 0; h < HEADS; ++h) {
            precise const float product = weight[h * kTile + p % kTile] * v;
            precise const float added = acc[h] + product;
            acc[h] = added;
          }
        }
      }
      [[unroll]] for (uint h = 0; h < HEADS; ++h) {
        precise const float kept = folded[h * kMaxDim + d] * keep[h];
        precise const float taken = acc[h] * take[h];
        precise const float joined = kept + taken;
        folded[h * kMaxDim + d] = first ? acc[h] : joined;
      }
    }
  }

  const uint64_t result = args.result + uint64_t(row) * args.result_row_bytes + first_head * head_dim * 4;
  for (uint d = thread; d < head_dim; d += 64) {
    [[unroll]] for (uint h = 0; h < HEADS; ++h) {
      precise const float y = folded[h * kMaxDim + d] * recip(total[h]);
      OutF32(result).v[h * head_dim + d] = y;
    }
  }
}
