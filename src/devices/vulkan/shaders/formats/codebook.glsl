// Sixteen signed bytes per code book, four to a word; four codes looked up at once.
uint code_value(uint code, uvec4 book) {
  const uint low = (code & 4u) != 0u ? book.y : book.x;
  const uint high = (code & 4u) != 0u ? book.w : book.z;
  const uint word = (code & 8u) != 0u ? high : low;
  return (word >> ((code & 3u) * 8u)) & 0xFFu;
}
uint code_values(uint codes, uvec4 book) {
  return code_value(codes & 0xFu, book) | (code_value((codes >> 8) & 0xFu, book) << 8) |
         (code_value((codes >> 16) & 0xFu, book) << 16) | (code_value((codes >> 24) & 0xFu, book) << 24);
}
// IQ4: -127 -104 -83 -65 | -49 -35 -22 -10 | 1 13 25 38 | 53 69 89 113
const uvec4 kIq4Book = uvec4(0xBFAD9881u, 0xF6EADDCFu, 0x26190D01u, 0x71594535u);
// MXFP4, doubled: 0 1 2 3 | 4 6 8 12 | -0 -1 -2 -3 | -4 -6 -8 -12
const uvec4 kMxfp4Book = uvec4(0x03020100u, 0x0C080604u, 0xFDFEFF00u, 0xF4F8FAFCu);
int signed_code(uint code, uvec4 book) { return int(code_value(code, book) << 24) >> 24; }
