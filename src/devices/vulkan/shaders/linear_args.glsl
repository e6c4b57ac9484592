// What the kernels of Linear and GatedLinear are given.
layout(push_constant) uniform Args {
  uint64_t x;      // rows in the weight's activation format
  uint64_t w;      // panel16; the gate of a GatedLinear
  uint64_t up;     // panel16 of the same format, or 0: a Linear
  uint64_t bias;   // [n] f32, or 0
  uint64_t add;    // [rows][n] f32, or 0
  uint64_t result; // [rows][n] f32
  uint64_t count;  // where the step says how many rows there are
  uint k;
  uint n;
  uint x_row_bytes;
  uint x_scale_offset;
  uint x_sums_offset;
  uint x_sums32_offset;
  uint panel_bytes;
  uint add_row_bytes;
  uint result_row_bytes;
} args;
