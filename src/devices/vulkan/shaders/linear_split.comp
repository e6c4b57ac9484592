#version 460
// Linear and GatedLinear for few rows on a GPU: a workgroup makes 16 columns of one row, and its invocations share
// k. The terms of blocks and the integer sums are made side by side; the floats are then added in the order that
// docs/numerics.md gives. The build sets FORMAT_... of a quantized weight; TILE is 1.
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
#include "dot4.glsl"
#include "linear_args.glsl"
#include "format.glsl"
#ifdef K_QUANT
#include "product_q8x256.glsl"
#else
#include "product_q8x32.glsl"
#endif
#include "piece_tree.glsl"
#include "linear_finish.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;

const uint kPieces = 4;  // taken at once
const uint kSpan = kPieces * kPiece;
#ifdef K_QUANT
shared int chunk_isum[kSpan / 64 * 16];  // [chunks][lanes]
shared int chunk_ssum[kSpan / 64 * 16];
#else
shared float terms[kSpan / 32 * 16];  // [blocks][lanes]
#endif
shared float piece_sums[kPieces * 16];

// Each slot takes every slots-th chunk of 64 elements of the span.
void make_terms(uint64_t panel, uint first, uint end, uint lane, uint slot, uint slots, uint64_t x[TILE]) {
  for (uint k = first + slot * 64; k < end; k += slots * 64) {
    const uint at = (k - first) / 64;
#ifdef K_QUANT
    int isum[TILE];
    int ssum[TILE];
    isum[0] = 0;
    ssum[0] = 0;
    add_chunk(panel + (k / 256) * UNIT_BYTES, k & ~255u, (k & 255u) / 64, lane, x, isum, ssum);
    chunk_isum[at * 16 + lane] = isum[0];
    chunk_ssum[at * 16 + lane] = ssum[0];
#else
    float t0[TILE];
    float t1[TILE];
    unit_terms(panel + (k / 64) * UNIT_BYTES, k, k + 32 < end, lane, x, t0, t1);
    terms[at * 32 + lane] = t0[0];
    terms[at * 32 + 16 + lane] = t1[0];
#endif
  }
}

// The terms of one piece in order of k; first: of the span.
float sum_terms(uint64_t panel, uint first, uint piece_first, uint piece_end, uint lane, uint64_t x) {
  precise float sum = 0.0;
#ifdef K_QUANT
  for (uint k = piece_first; k < piece_end; k += 256) {
    int isum = 0;
    int ssum = 0;
    for (uint chunk = 0; chunk < 4; ++chunk) {
      isum += chunk_isum[((k - first) / 64 + chunk) * 16 + lane];
      ssum += chunk_ssum[((k - first) / 64 + chunk) * 16 + lane];
    }
    sum = sum + unit_term(panel + (k / 256) * UNIT_BYTES, k, lane, x, isum, ssum);
  }
#else
  for (uint k = piece_first; k < piece_end; k += 32) sum = sum + terms[(k - first) / 32 * 16 + lane];
#endif
  return sum;
}

// The whole product, in the invocations of slot 0.
float product(uint64_t panel, uint lane, uint slot, uint slots, uint64_t x[TILE]) {
  float stack[kLevels * TILE];
  float sums[TILE];
  const uint pieces = (args.k + kPiece - 1) / kPiece;
  for (uint piece = 0; piece < pieces; piece += kPieces) {
    const uint first = piece * kPiece;
    const uint end = min(args.k, first + kSpan);
    make_terms(panel, first, end, lane, slot, slots, x);
    barrier();
    const uint here = min(pieces - piece, kPieces);
    for (uint p = slot; p < here; p += slots) {
      const uint piece_first = first + p * kPiece;
      piece_sums[p * 16 + lane] =
          sum_terms(panel, first, piece_first, min(end, piece_first + kPiece), lane, x[0]);
    }
    barrier();
    if (slot == 0) {
      for (uint p = 0; p < here; ++p) {
        sums[0] = piece_sums[p * 16 + lane];
        push_piece(piece + p, sums, stack);
      }
    }
  }
  if (slot == 0) join_pieces(pieces, stack, sums);
  return sums[0];
}

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint panel = gl_WorkGroupID.y;
  const uint lane = gl_LocalInvocationID.x % 16;
  const uint slot = gl_LocalInvocationID.x / 16;
  const uint slots = gl_WorkGroupSize.x / 16;
  uint64_t x[TILE];
  x[0] = args.x + uint64_t(row) * args.x_row_bytes;
  float y = product(args.w + uint64_t(panel) * args.panel_bytes, lane, slot, slots, x);
  if (args.up != 0) {
    barrier();
    precise const float gated =
        silu(y) * product(args.up + uint64_t(panel) * args.panel_bytes, lane, slot, slots, x);
    y = gated;
  }
  if (slot == 0 && panel * 16 + lane < args.n) store(row, panel * 16 + lane, y);
}
