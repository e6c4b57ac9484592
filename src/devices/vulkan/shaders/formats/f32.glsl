// F32: the floats themselves.
#define FLOAT_WEIGHTS
float panel_element(uint64_t panel, uint k, uint lane) { return InF32(panel).v[k * 16 + lane]; }
float stored_element(uint64_t row, uint k) { return InF32(row).v[k]; }
