// Float weights: element after element.
void add_piece(uint64_t panel, uint first, uint end, uint lane, uint64_t x[TILE], inout float acc[TILE]) {
  for (uint k = first; k < end; ++k) {
    const float w = panel_element(panel, k, lane);
    [[unroll]] for (int m = 0; m < TILE; ++m) {
      precise const float t = InF32(x[m]).v[k] * w;
      precise const float sum = acc[m] + t;
      acc[m] = sum;
    }
  }
}
