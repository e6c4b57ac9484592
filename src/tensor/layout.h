// How a weight's numbers lie in memory: as the file stores them, or in panels of 16 rows (docs/layouts.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tensor/dtype.h"

namespace yoke {

enum class Layout : uint8_t { kStored, kPanel16 };
std::string_view name(Layout layout);  // "stored", "panel16"

inline constexpr int64_t kPanelRows = 16;

// Elements of k in one unit of a panel, and the unit's bytes (docs/layouts.md).
int64_t panel_unit(DType type);
int64_t panel_unit_bytes(DType type);
// Bytes of one panel of 16 rows: ceil(cols / unit) * unit bytes; a multiple of 64.
uint64_t panel_bytes(DType type, int64_t cols);
// Bytes of a [rows, cols] matrix in that layout.
uint64_t layout_bytes(DType type, Layout layout, int64_t rows, int64_t cols);

// Packs panels [panel_begin, panel_end) of a stored [rows, cols] matrix; out points to panel_begin's first
// byte. Rows past the end are zero rows. Lossless. May be called by several threads on different panels.
void pack_panels(DType type, int64_t rows, int64_t cols, const std::byte* stored, int64_t panel_begin,
                 int64_t panel_end, std::byte* out);
// One row back to its stored bytes (stored_bytes(type, 1, cols)).
void unpack_row(DType type, int64_t cols, const std::byte* panels, int64_t row, std::byte* stored);

// Row `row` of a [rows, cols] matrix in either layout, dequantized to out[cols], bit-exact with the published
// formulas. scratch: stored_bytes(type, 1, cols) bytes, only used for kPanel16.
void read_row(DType type, Layout layout, int64_t cols, const std::byte* matrix, int64_t row, float* out,
              std::byte* scratch);

// One row of activations in a format: int8 q, then float scales, then the sums, each 64-byte aligned.
// kF32: the floats themselves. kBF16: 16-bit floats, an odd last one followed by a zero.
struct ActLayout {
  ActFormat format;
  int64_t k;              // elements; a multiple of 32 (kQ8x32) or 256 (kQ8x256)
  int64_t scale_offset;   // bytes from the row's start; float [k / block]
  int64_t sums_offset;    // kQ8x32: int32 [k / 32]; kQ8x256: int16 [k / 16], then int16 [k / 32]
  int64_t sums32_offset;  // kQ8x256: where the int16 [k / 32] begin; 64-byte aligned too. Else 0
  int64_t row_bytes;      // a multiple of 64
};
ActLayout act_layout(ActFormat format, int64_t k);

}  // namespace yoke
