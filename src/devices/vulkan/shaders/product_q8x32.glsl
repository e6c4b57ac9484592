// Quantized weights in blocks of 32: exact integer sums, two blocks (a unit of the panel) at a time.

// What the unit's two blocks add to the sums, k elements into the rows; the second only where it is there.
void unit_terms(uint64_t unit, uint k, bool second, uint lane, uint64_t x[TILE], out float first_term[TILE],
                out float second_term[TILE]) {
  const uint block = k / 32;
  uint q[16];
  load_chunk(unit, 0, lane, q);
  const float d0 = panel_d(unit, 0, lane);
  const float d1 = panel_d(unit, 1, lane);
#ifdef HAS_MIN
  const float m0 = panel_m(unit, 0, lane);
  const float m1 = panel_m(unit, 1, lane);
#endif
  [[unroll]] for (int m = 0; m < TILE; ++m) {
    InU32x4 xq = InU32x4(x[m] + k);
    int i0 = 0;
    int i1 = 0;
    [[unroll]] for (int v = 0; v < 2; ++v) {
      const uvec4 a = xq.v[v];
      const uvec4 b = xq.v[2 + v];
      [[unroll]] for (int c = 0; c < 4; ++c) {
        i0 = dot4(q[v * 4 + c], a[c], i0);
        i1 = dot4(q[8 + v * 4 + c], b[c], i1);
      }
    }
    InF32 scales = InF32(x[m] + args.x_scale_offset);
#if defined(ZERO) || defined(HAS_MIN)
    InI32 sums = InI32(x[m] + args.x_sums_offset);
    const int s0 = sums.v[block];
    const int s1 = second ? sums.v[block + 1] : 0;
#endif
#ifdef ZERO
    i0 -= ZERO * s0;
    i1 -= ZERO * s1;
#endif
    precise float t = float(i0) * d0;
#ifdef HAS_MIN
    precise const float u0 = float(s0) * m0;
    t = t + u0;
#endif
    t = t * scales.v[block];
    first_term[m] = t;
    second_term[m] = 0.0;
    if (second) {
      precise float t1 = float(i1) * d1;
#ifdef HAS_MIN
      precise const float u1 = float(s1) * m1;
      t1 = t1 + u1;
#endif
      t1 = t1 * scales.v[block + 1];
      second_term[m] = t1;
    }
  }
}

void add_piece(uint64_t panel, uint first, uint end, uint lane, uint64_t x[TILE], inout float acc[TILE]) {
  for (uint k = first; k < end; k += 64) {
    const bool second = k + 32 < end;
    float t0[TILE];
    float t1[TILE];
    unit_terms(panel + (k / 64) * UNIT_BYTES, k, second, lane, x, t0, t1);
    [[unroll]] for (int m = 0; m < TILE; ++m) {
      precise float sum = acc[m] + t0[m];
      if (second) sum = sum + t1[m];
      acc[m] = sum;
    }
  }
}
