// Float weights: element after element.
void add_element(float w, vec4 x[TILE], int c, inout float acc[TILE]) {
  [[unroll]] for (int m = 0; m < TILE; ++m) {
    precise const float t = x[m][c] * w;
    precise const float sum = acc[m] + t;
    acc[m] = sum;
  }
}

void add_piece(uint64_t panel, uint first, uint end, uint lane, uint64_t x[TILE], inout float acc[TILE]) {
  vec4 a[TILE];
  for (uint k = first; k < end; k += 4) {
    // Rows are padded to 64 bytes: a whole vector may be read, what is past the end is not used.
    [[unroll]] for (int m = 0; m < TILE; ++m) a[m] = InF32x4(x[m]).v[k / 4];
    if (k + 4 <= end) {
      [[unroll]] for (int c = 0; c < 4; ++c) add_element(panel_element(panel, k + c, lane), a, c, acc);
    } else {
      [[unroll]] for (int c = 0; c < 3; ++c) {
        if (k + c < end) add_element(panel_element(panel, k + c, lane), a, c, acc);
      }
    }
  }
}
