#include "tensor/pack.h"

#include <algorithm>

#include "tensor/layout.h"

namespace yoke {
namespace {

// [k / Group][16 rows][Group] with Group 1 for F32 and F16, 2 for BF16; an odd last k of the 16-bit formats
// is padded with zeros.
template <class T, int64_t Group>
void pack_floats(int64_t cols, const std::byte* rows, int64_t count, std::byte* out) {
  const auto row_bytes = static_cast<size_t>(cols) * sizeof(T);
  constexpr int64_t kStrip = 64;  // of k: its 16 lines stay in the nearest cache
  for (int64_t first = 0; first < cols; first += kStrip) {
    const int64_t end = std::min(first + kStrip, cols);
    for (int64_t r = 0; r < count; ++r) {
      const std::byte* row = rows + static_cast<size_t>(r) * row_bytes;
      for (int64_t k = first; k < end; ++k) {
        const int64_t at = (k / Group * kPanelRows + r) * Group + k % Group;
        std::memcpy(out + at * static_cast<int64_t>(sizeof(T)), row + k * static_cast<int64_t>(sizeof(T)),
                    sizeof(T));
      }
    }
  }
}

void pack_blocks(DType type, int64_t cols, const std::byte* rows, int64_t count, std::byte* out) {
  const DTypeTraits& t = traits(type);
  const pack::PackUnit pack_unit = t.block == 32 ? pack::pack_unit_32(type) : pack::pack_unit_k(type);
  const int64_t unit_blocks = t.block == 32 ? 2 : 1;
  const int64_t unit_bytes = panel_unit_bytes(type);
  const int64_t blocks = cols / t.block;
  const int64_t row_bytes = blocks * t.block_bytes;
  for (int64_t first = 0; first < blocks; first += unit_blocks) {
    const int here = static_cast<int>(std::min(unit_blocks, blocks - first));
    auto* unit = reinterpret_cast<uint8_t*>(out + first / unit_blocks * unit_bytes);
    for (int64_t r = 0; r < count; ++r) {
      const auto* stored = reinterpret_cast<const uint8_t*>(rows + r * row_bytes + first * t.block_bytes);
      pack_unit(stored, here, static_cast<int>(r), unit);
    }
  }
}

}  // namespace

void pack_panels(DType type, int64_t rows, int64_t cols, const std::byte* stored, int64_t panel_begin,
                 int64_t panel_end, std::byte* out) {
  const auto row_bytes = static_cast<int64_t>(stored_bytes(type, 1, cols));
  const auto bytes = static_cast<int64_t>(panel_bytes(type, cols));
  for (int64_t panel = panel_begin; panel < panel_end; ++panel, out += bytes) {
    const int64_t first = panel * kPanelRows;
    const int64_t count = std::clamp<int64_t>(rows - first, 0, kPanelRows);
    const std::byte* from = stored + first * row_bytes;
    std::memset(out, 0, static_cast<size_t>(bytes));
    if (type == DType::kF32) {
      pack_floats<uint32_t, 1>(cols, from, count, out);
    } else if (type == DType::kF16) {
      pack_floats<uint16_t, 1>(cols, from, count, out);
    } else if (type == DType::kBF16) {
      pack_floats<uint16_t, 2>(cols, from, count, out);
    } else {
      pack_blocks(type, cols, from, count, out);
    }
  }
}

}  // namespace yoke
