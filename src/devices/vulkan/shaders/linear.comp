#version 460
// Linear and GatedLinear: an invocation makes one column of the result for TILE rows; neighbours read
// neighbouring rows of a weight's panel. The build sets FORMAT_... and TILE.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "dot4.glsl"
#include "linear_args.glsl"
#include "format.glsl"
#if defined(BF16_WEIGHTS)
#include "product_bf16.glsl"
#elif defined(FLOAT_WEIGHTS)
#include "product_f32.glsl"
#elif defined(K_QUANT)
#include "product_q8x256.glsl"
#else
#include "product_q8x32.glsl"
#endif
#include "piece_tree.glsl"
#include "linear_finish.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;

// x[TILE] times one row of w.
void product(uint64_t panel, uint lane, uint64_t x[TILE], out float sums[TILE]) {
  float stack[kLevels * TILE];
  const uint pieces = (args.k + kPiece - 1) / kPiece;
  for (uint piece = 0; piece < pieces; ++piece) {
    float acc[TILE];
    [[unroll]] for (int m = 0; m < TILE; ++m) acc[m] = 0.0;
    add_piece(panel, piece * kPiece, min(args.k, (piece + 1) * kPiece), lane, x, acc);
    if (pieces == 1) {
      sums = acc;
      return;
    }
    push_piece(piece, acc, stack);
  }
  join_pieces(pieces, stack, sums);
}

void main() {
  const uint rows = InU32(args.count).v[0];
  const uint first_row = gl_WorkGroupID.x * TILE;
  const uint panels = gl_WorkGroupSize.x / 16;
  const uint panel = gl_WorkGroupID.y * panels + gl_LocalInvocationID.x / 16;
  const uint lane = gl_LocalInvocationID.x % 16;
  const uint column = panel * 16 + lane;
  if (panel * 16 >= args.n) return;
  uint64_t x[TILE];
  [[unroll]] for (int m = 0; m < TILE; ++m) {
    // A tile's missing rows repeat the last one and are not stored.
    x[m] = args.x + uint64_t(min(first_row + m, rows - 1)) * args.x_row_bytes;
  }
  float sums[TILE];
  float gate[TILE];
  const uint matrices = args.up != 0 ? 2 : 1;
  for (uint matrix = 0; matrix < matrices; ++matrix) {
    gate = sums;
    product((matrix == 0 ? args.w : args.up) + uint64_t(panel) * args.panel_bytes, lane, x, sums);
  }
  if (column >= args.n) return;
  [[unroll]] for (int m = 0; m < TILE; ++m) {
    const uint row = first_row + m;
    if (row >= rows) break;
    if (matrices == 2) {
      precise const float y = silu(gate[m]) * sums[m];
      sums[m] = y;
    }
    store(row, column, sums[m]);
  }
}
