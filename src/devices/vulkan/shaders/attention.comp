#version 460
// Attention: a workgroup takes HEADS query heads of one row that share a kv head. Tiles of 256 positions, each
// from its own maximum, folded in order (docs/numerics.md). GROUPS of 64 invocations take a tile each: for few rows
// on a GPU, that else would walk a long cache alone. The build sets HEADS, GROUPS and KV_...
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "kv_cache.glsl"

layout(local_size_x = 64, local_size_y = GROUPS) in;

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

shared float query[HEADS * kMaxDim];              // q * scale
shared float folded[HEADS * kMaxDim];             // the tiles so far
shared float weight[GROUPS * HEADS * kTile];      // scores, then their exponentials
shared float tile_out[GROUPS * HEADS * kMaxDim];  // of each group's tile
shared float tile_best[GROUPS * HEADS];           // its largest score
shared float tile_total[GROUPS * HEADS];          // the sum of its exponentials
shared float partial[GROUPS * HEADS * 64];

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

// Joins a group's partial[][64] by halves with a sum or a maximum; the result stands in partial[first + head * 64].
void join(uint first, uint thread, bool sum) {
  barrier();
  for (uint half_width = 32; half_width > 0; half_width /= 2) {
    if (thread < half_width) {
      [[unroll]] for (uint h = 0; h < HEADS; ++h) {
        const float a = partial[first + h * 64 + thread];
        const float b = partial[first + h * 64 + thread + half_width];
        precise const float added = a + b;
        partial[first + h * 64 + thread] = sum ? added : max(a, b);
      }
    }
    barrier();
  }
}

// Which positions a row sees, and where its sequence's blocks are.
struct Seen {
  uint first;
  uint last;  // the row's own position
  uint64_t table;
};

uint block_of(Seen seen, uint position) { return InU32(seen.table).v[position / kBlockPositions]; }

// One group's tile: its largest score, the sum of its exponentials and its weighted values, to shared memory.
void attend(uint tile, uint group, uint thread, Seen seen, uint64_t k_base, uint64_t v_base, uint block_bytes) {
  const uint tile_first = max(seen.first, tile * kTile);
  const uint tile_last = min(seen.last, tile * kTile + kTile - 1);
  const uint weights = group * HEADS * kTile;
  const uint partials = group * HEADS * 64;
  float largest[HEADS];
  [[unroll]] for (uint h = 0; h < HEADS; ++h) largest[h] = uintBitsToFloat(0xFF800000u);
  for (uint p = tile * kTile + thread; p <= tile_last; p += 64) {
    if (p < tile_first) continue;
    const uint64_t head = k_base + uint64_t(block_of(seen, p)) * block_bytes;
    float score[HEADS];
    [[unroll]] for (uint h = 0; h < HEADS; ++h) score[h] = 0.0;
    for (uint d = 0; d < args.head_dim; ++d) {
      const float k = key(head, d, p % kBlockPositions);
      [[unroll]] for (uint h = 0; h < HEADS; ++h) {
        precise const float product = query[h * args.head_dim + d] * k;
        precise const float added = score[h] + product;
        score[h] = added;
      }
    }
    [[unroll]] for (uint h = 0; h < HEADS; ++h) {
      weight[weights + h * kTile + p % kTile] = score[h];
      largest[h] = max(largest[h], score[h]);
    }
  }
  [[unroll]] for (uint h = 0; h < HEADS; ++h) partial[partials + h * 64 + thread] = largest[h];
  join(partials, thread, false);
  [[unroll]] for (uint h = 0; h < HEADS; ++h) largest[h] = partial[partials + h * 64];
  barrier();

  float sum[HEADS];
  [[unroll]] for (uint h = 0; h < HEADS; ++h) sum[h] = 0.0;
  for (uint p = tile * kTile + thread; p <= tile_last; p += 64) {
    if (p < tile_first) continue;
    [[unroll]] for (uint h = 0; h < HEADS; ++h) {
      precise const float below = weight[weights + h * kTile + p % kTile] - largest[h];
      const float e = exp_exact(below);
      weight[weights + h * kTile + p % kTile] = e;
      precise const float added = sum[h] + e;
      sum[h] = added;
    }
  }
  [[unroll]] for (uint h = 0; h < HEADS; ++h) partial[partials + h * 64 + thread] = sum[h];
  join(partials, thread, true);
  if (thread == 0) {
    [[unroll]] for (uint h = 0; h < HEADS; ++h) {
      tile_best[group * HEADS + h] = largest[h];
      tile_total[group * HEADS + h] = partial[partials + h * 64];
    }
  }

  for (uint d = thread; d < args.head_dim; d += 64) {
    float acc[HEADS];
    [[unroll]] for (uint h = 0; h < HEADS; ++h) acc[h] = 0.0;
    uint p = tile_first;
    while (p <= tile_last) {
      const uint64_t head = v_base + uint64_t(block_of(seen, p)) * block_bytes;
      const uint block_last = min(tile_last, p | (kBlockPositions - 1));
      for (; p <= block_last; ++p) {
        const float v = value(head, d, p % kBlockPositions);
        [[unroll]] for (uint h = 0; h < HEADS; ++h) {
          precise const float product = weight[weights + h * kTile + p % kTile] * v;
          precise const float added = acc[h] + product;
          acc[h] = added;
        }
      }
    }
    [[unroll]] for (uint h = 0; h < HEADS; ++h) tile_out[(group * HEADS + h) * kMaxDim + d] = acc[h];
  }
}

// Takes a group's tile into what was folded so far. best, total: of the tiles so far.
void fold(uint group, bool first, uint thread, inout float best[HEADS], inout float total[HEADS]) {
  [[unroll]] for (uint h = 0; h < HEADS; ++h) {
    const float tile_max = tile_best[group * HEADS + h];
    const float tile_sum = tile_total[group * HEADS + h];
    const float now = first ? tile_max : max(best[h], tile_max);
    precise const float below_best = best[h] - now;
    precise const float below_tile = tile_max - now;
    const float keep = exp_exact(below_best);
    const float take = exp_exact(below_tile);
    precise const float kept_sum = total[h] * keep;
    precise const float taken_sum = tile_sum * take;
    precise const float joined_sum = kept_sum + taken_sum;
    total[h] = first ? tile_sum : joined_sum;
    best[h] = now;
    for (uint d = thread; d < args.head_dim; d += 64) {
      const float o = tile_out[(group * HEADS + h) * kMaxDim + d];
      precise const float kept = folded[h * kMaxDim + d] * keep;
      precise const float taken = o * take;
      precise const float joined = kept + taken;
      folded[h * kMaxDim + d] = first ? o : joined;
    }
  }
}

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint thread = gl_LocalInvocationID.x;
  const uint group = gl_LocalInvocationID.y;
  const uint head_dim = args.head_dim;
  const uint first_head = gl_WorkGroupID.y * HEADS;
  const uint kv_head = first_head / (args.heads / args.kv_heads);
  const uint bytes = head_bytes(head_dim);
  const uint64_t k_base = args.cache + kv_head * bytes;
  const uint64_t v_base = k_base + args.kv_heads * bytes;
  Seen seen;
  seen.last = InU32(args.positions).v[row];
  seen.first = args.window != 0 && seen.last + 1 > args.window ? seen.last + 1 - args.window : 0;
  seen.table = args.block_tables + uint64_t(InU32(args.sequences).v[row]) * InU32(args.table_stride).v[0] * 4;

  const uint64_t q = args.q + uint64_t(row) * args.q_row_bytes + first_head * head_dim * 4;
  for (uint i = group * 64 + thread; i < HEADS * head_dim; i += GROUPS * 64) {
    precise const float scaled = InF32(q).v[i] * args.scale;
    query[i] = scaled;
  }

  float best[HEADS];
  float total[HEADS];
  const uint first_tile = seen.first / kTile;
  const uint last_tile = seen.last / kTile;
  for (uint tile = first_tile; tile <= last_tile; tile += GROUPS) {
    barrier();
    attend(tile + group, group, thread, seen, k_base, v_base, 2 * args.kv_heads * bytes);
    barrier();
    if (group == 0) {
      for (uint g = 0; g < GROUPS && tile + g <= last_tile; ++g) fold(g, tile + g == first_tile, thread, best, total);
    }
  }
  if (group != 0) return;

  const uint64_t result = args.result + uint64_t(row) * args.result_row_bytes + first_head * head_dim * 4;
  for (uint d = thread; d < head_dim; d += 64) {
    [[unroll]] for (uint h = 0; h < HEADS; ++h) {
      precise const float y = folded[h * kMaxDim + d] * recip(total[h]);
      OutF32(result).v[h * head_dim + d] = y;
    }
  }
}
