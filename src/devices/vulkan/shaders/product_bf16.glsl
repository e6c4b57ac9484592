// BF16 weights and rows: pair after pair, of each pair the second element first (docs/numerics.md).
float lower_bf16(uint pair) { return uintBitsToFloat(pair << 16); }
float upper_bf16(uint pair) { return uintBitsToFloat(pair & 0xFFFF0000u); }

void add_pair(uint w, uvec4 x[TILE], int c, inout float acc[TILE]) {
  const float w0 = lower_bf16(w);
  const float w1 = upper_bf16(w);
  [[unroll]] for (int m = 0; m < TILE; ++m) {
    precise const float t1 = upper_bf16(x[m][c]) * w1;
    precise const float t0 = lower_bf16(x[m][c]) * w0;
    precise float sum = acc[m] + t1;
    sum = sum + t0;
    acc[m] = sum;
  }
}

// An odd last element has a zero beside it in the row and in the panel: the sum is never -0, so that adding it
// changes nothing.
void add_piece(uint64_t panel, uint first, uint end, uint lane, uint64_t x[TILE], inout float acc[TILE]) {
  uvec4 a[TILE];
  for (uint k = first; k < end; k += 8) {
    // Rows are padded to 64 bytes: a whole vector may be read, what is past the end is not used.
    [[unroll]] for (int m = 0; m < TILE; ++m) a[m] = InU32x4(x[m]).v[k / 8];
    if (k + 8 <= end) {
      [[unroll]] for (int c = 0; c < 4; ++c) add_pair(panel_pair(panel, k + c * 2, lane), a, c, acc);
    } else {
      [[unroll]] for (int c = 0; c < 4; ++c) {
        if (k + c * 2 < end) add_pair(panel_pair(panel, k + c * 2, lane), a, c, acc);
      }
    }
  }
}
