// F16: binary16.
#define FLOAT_WEIGHTS
float panel_element(uint64_t panel, uint k, uint lane) {
  return half_to_float(InU16(panel).v[(k >> 1) * 32 + (k & 1u) * 16 + lane]);
}
float stored_element(uint64_t row, uint k) { return half_to_float(InU16(row).v[k]); }
