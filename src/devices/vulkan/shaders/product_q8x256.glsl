// K-quants and IQ4_XS: exact integer sums over 256 elements with integer sub-scales, 64 elements at a time.

// Adds the integer sums of one of the unit's four chunks, k elements into the rows.
void add_chunk(uint64_t unit, uint k, uint chunk, uint lane, uint64_t x[TILE], inout int isum[TILE],
               inout int ssum[TILE]) {
  uint q[16];
  load_chunk(unit, chunk, lane, q);
  const uint subs = 64 / SUB;
  int scale[64 / SUB];
  int low[64 / SUB];
  [[unroll]] for (uint s = 0; s < subs; ++s) {
    scale[s] = panel_scale(unit, chunk * subs + s, lane);
#ifdef HAS_MIN
    low[s] = panel_min(unit, chunk * subs + s, lane);
#endif
  }
  [[unroll]] for (int m = 0; m < TILE; ++m) {
    InU32x4 xq = InU32x4(x[m] + k + chunk * 64);
#if SUB == 16
    InI16 sums = InI16(x[m] + args.x_sums_offset + (k / 16 + chunk * 4) * 2);
#else
    InI16 sums = InI16(x[m] + args.x_sums32_offset + (k / 32 + chunk * 2) * 2);
#endif
    [[unroll]] for (uint s = 0; s < subs; ++s) {
      int i = 0;
      [[unroll]] for (uint v = 0; v < SUB / 16; ++v) {
        const uvec4 a = xq.v[s * (SUB / 16) + v];
        [[unroll]] for (int c = 0; c < 4; ++c) i = dot4(q[s * (SUB / 4) + v * 4 + c], a[c], i);
      }
#ifdef ZERO
      i -= ZERO * int(sums.v[s]);
#endif
      isum[m] += scale[s] * i;
#ifdef HAS_MIN
      ssum[m] += low[s] * int(sums.v[s]);
#endif
    }
  }
}

// What a unit adds to a sum, from its integer sums.
float unit_term(uint64_t unit, uint k, uint lane, uint64_t x, int isum, int ssum) {
  precise float t = float(isum) * panel_d(unit, lane);
#ifdef HAS_MIN
  precise const float u = float(ssum) * panel_dmin(unit, lane);
  t = t - u;
#endif
  t = t * InF32(x + args.x_scale_offset).v[k / 256];
  return t;
}

void add_piece(uint64_t panel, uint first, uint end, uint lane, uint64_t x[TILE], inout float acc[TILE]) {
  for (uint k = first; k < end; k += 256) {
    const uint64_t unit = panel + (k / 256) * UNIT_BYTES;
    int isum[TILE];
    int ssum[TILE];
    [[unroll]] for (int m = 0; m < TILE; ++m) {
      isum[m] = 0;
      ssum[m] = 0;
    }
    for (uint chunk = 0; chunk < 4; ++chunk) add_chunk(unit, k, chunk, lane, x, isum, ssum);
    [[unroll]] for (int m = 0; m < TILE; ++m) {
      precise const float sum = acc[m] + unit_term(unit, k, lane, x[m], isum[m], ssum[m]);
      acc[m] = sum;
    }
  }
}
