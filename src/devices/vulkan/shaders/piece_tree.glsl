// Joins the pieces of k like a binary counter (docs/numerics.md, Linear), TILE rows at a time.
const uint kPiece = 1024;
const int kLevels = 10;  // pieces of k: fewer than 2^10

// piece: how many were pushed before.
void push_piece(uint piece, float sums[TILE], inout float stack[kLevels * TILE]) {
  int level = 0;
  for (uint rest = piece; (rest & 1u) == 1u; rest >>= 1, ++level) {
    [[unroll]] for (int m = 0; m < TILE; ++m) {
      precise const float joined = stack[level * TILE + m] + sums[m];
      sums[m] = joined;
    }
  }
  [[unroll]] for (int m = 0; m < TILE; ++m) stack[level * TILE + m] = sums[m];
}

// What is left on the stack is added from its top: the lowest level.
void join_pieces(uint pieces, float stack[kLevels * TILE], out float sums[TILE]) {
  bool first = true;
  for (int level = 0; (pieces >> level) != 0; ++level) {
    if (((pieces >> level) & 1u) == 0u) continue;
    [[unroll]] for (int m = 0; m < TILE; ++m) {
      precise const float joined = stack[level * TILE + m] + sums[m];
      sums[m] = first ? stack[level * TILE + m] : joined;
    }
    first = false;
  }
}
