// Exact sum of four products of signed bytes, on top of an int.
#ifdef INTEGER_DOT
#extension GL_EXT_spirv_intrinsics : require
// OpSDotKHR of two packed words (format 0: 4x8 bits).
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6019, 6018], id = 4450)
int packed_dot(uint a, uint b, spirv_literal int format);
int dot4(uint a, uint b, int sum) { return sum + packed_dot(a, b, 0); }
#else
int dot4(uint a, uint b, int sum) {
  const int p = int(a);
  const int q = int(b);
  sum += (p << 24 >> 24) * (q << 24 >> 24);
  sum += (p << 16 >> 24) * (q << 16 >> 24);
  sum += (p << 8 >> 24) * (q << 8 >> 24);
  return sum + (p >> 24) * (q >> 24);
}
#endif
