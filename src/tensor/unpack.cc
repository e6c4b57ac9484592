// From panels back to stored rows, element by element as docs/layouts.md numbers them; written apart from
// pack_*.cc so that a round trip checks both.
#include <cstring>

#include "tensor/codes.h"
#include "tensor/layout.h"
#include "tensor/quantize.h"

namespace yoke {
namespace {

// One row's lane of one unit.
struct LaneView {
  const uint8_t* unit;
  int r;

  uint8_t byte(int offset) const { return unit[offset]; }
  uint16_t word(int offset, int i) const {  // [i][16] of 16-bit values
    uint16_t v;
    std::memcpy(&v, unit + offset + 32 * i + 2 * r, 2);
    return v;
  }
  uint8_t vector(int offset, int v, int j) const { return unit[offset + 64 * v + 4 * r + j]; }
};

// Byte j of group g is element e = 4g + j.
void block_of_32(DType type, const LaneView& lane, int b, BlockCodes& codes) {
  const bool offset = type == DType::kQ4_1 || type == DType::kQ5_1;
  const bool five = type == DType::kQ5_0 || type == DType::kQ5_1;
  const int vectors = offset ? 128 : 64;
  codes.d = lane.word(0, b);
  if (type == DType::kMXFP4) codes.d = mxfp4_exponent(codes.d);
  if (offset) codes.m = lane.word(64, b);
  for (int e = 0; e < 32; ++e) {
    const int g = e / 4;
    const int j = e % 4;
    int code;
    if (type == DType::kQ8_0) {
      code = lane.vector(vectors, 8 * b + g, j) ^ 0x80;
    } else {
      code = lane.vector(vectors, five ? 2 + g : g, j) >> 4 * b & 15;
      if (five) code |= (lane.vector(vectors, b, j) >> g & 1) << 4;
    }
    codes.code[e] = static_cast<uint8_t>(code);
  }
}

int code_of_256(DType type, const LaneView& lane, int e) {
  const int j = e % 4;
  const int in_sub32 = e % 32 / 4;  // group within 32 elements
  const int in_sub16 = e % 16 / 4;
  switch (type) {
    case DType::kQ4_K:
      return lane.vector(320, 8 * (e / 64) + in_sub32, j) >> 4 * (e / 32 % 2) & 15;
    case DType::kQ5_K:
      return (lane.vector(320, 10 * (e / 64) + 2 + in_sub32, j) >> 4 * (e / 32 % 2) & 15) |
             (lane.vector(320, 10 * (e / 64) + e / 32 % 2, j) >> in_sub32 & 1) << 4;
    case DType::kIQ4_XS:
      return lane.vector(192, 8 * (e / 64) + in_sub32, j) >> 4 * (e / 32 % 2) & 15;
    case DType::kQ6_K: {
      const int first = 3 * (e / 16);
      if (in_sub16 < 3) return lane.vector(320, first + in_sub16, j) & 63;
      return lane.vector(320, first, j) >> 6 | lane.vector(320, first + 1, j) >> 6 << 2 |
             lane.vector(320, first + 2, j) >> 6 << 4;
    }
    case DType::kQ3_K:
      if (in_sub32 < 6) {
        return lane.vector(320, 3 * (e / 32) + in_sub32 / 2, j) >> 3 * (in_sub32 % 2) & 7;
      }
      return lane.vector(320, 3 * (e / 32) + in_sub32 - 6, j) >> 6 |
             (lane.vector(320, 3 * (e / 32) + 2, j) >> in_sub32 & 1) << 2;
    default:  // Q2_K
      return lane.vector(320, e / 16, j) >> 2 * in_sub16 & 3;
  }
}

void block_of_256(DType type, const LaneView& lane, BlockCodes& codes) {
  const bool mins = code_traits(type).mins;
  const int subs = 256 / code_traits(type).sub;
  codes.d = lane.word(0, 0);
  if (mins) codes.m = lane.word(0, 1);
  for (int s = 0; s < subs; ++s) {
    const bool pairs = type == DType::kQ2_K || type == DType::kQ3_K;
    const uint8_t scale = lane.byte(pairs ? 64 + 32 * (s / 2) + 2 * lane.r + s % 2 : 64 + 16 * s + lane.r);
    codes.scale[s] = static_cast<int8_t>(type == DType::kQ2_K ? scale & 15 : scale);
    if (type == DType::kQ2_K) {
      codes.min[s] = scale >> 4;
    } else if (mins) {
      codes.min[s] = lane.byte(192 + 32 * (s / 2) + 2 * lane.r + s % 2);
    }
  }
  for (int e = 0; e < 256; ++e) codes.code[e] = static_cast<uint8_t>(code_of_256(type, lane, e));
}

}  // namespace

void unpack_row(DType type, int64_t cols, const std::byte* panels, int64_t row, std::byte* stored) {
  const std::byte* panel = panels + row / kPanelRows * static_cast<int64_t>(panel_bytes(type, cols));
  const int r = static_cast<int>(row % kPanelRows);
  const DTypeTraits& t = traits(type);
  if (t.block == 1) {
    const int64_t group = type == DType::kBF16 ? 2 : 1;  // neighbouring k of a row that lie together
    for (int64_t k = 0; k < cols; ++k) {
      std::memcpy(stored + k * t.block_bytes,
                  panel + ((k / group * kPanelRows + r) * group + k % group) * t.block_bytes,
                  static_cast<size_t>(t.block_bytes));
    }
    return;
  }
  const int64_t unit_blocks = panel_unit(type) / t.block;
  const int64_t unit_bytes = panel_unit_bytes(type);
  BlockCodes codes{};
  for (int64_t b = 0; b < cols / t.block; ++b) {
    const LaneView lane{reinterpret_cast<const uint8_t*>(panel + b / unit_blocks * unit_bytes), r};
    if (t.block == 32) {
      block_of_32(type, lane, static_cast<int>(b % unit_blocks), codes);
    } else {
      block_of_256(type, lane, codes);
    }
    put_together(type, codes, stored + b * t.block_bytes);
  }
}

void read_row(DType type, Layout layout, int64_t cols, const std::byte* matrix, int64_t row, float* out,
              std::byte* scratch) {
  if (layout == Layout::kStored) {
    dequantize(type, matrix + row * static_cast<int64_t>(stored_bytes(type, 1, cols)), cols, out);
    return;
  }
  unpack_row(type, cols, matrix, row, scratch);
  dequantize(type, scratch, cols, out);
}

}  // namespace yoke
