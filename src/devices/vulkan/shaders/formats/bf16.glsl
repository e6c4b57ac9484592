// BF16: the upper halves of floats.
#define FLOAT_WEIGHTS
#define BF16_WEIGHTS
// Elements k (lower half) and k + 1, k even.
uint panel_pair(uint64_t panel, uint k, uint lane) { return InU32(panel).v[(k >> 1) * 16 + lane]; }
float panel_element(uint64_t panel, uint k, uint lane) {
  return bf16_to_float(InU16(panel).v[(k >> 1) * 32 + lane * 2 + (k & 1u)]);
}
float stored_element(uint64_t row, uint k) { return bf16_to_float(InU16(row).v[k]); }
