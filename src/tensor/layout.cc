#include "tensor/layout.h"

namespace yoke {
namespace {

int64_t align64(int64_t n) {
  return (n + 63) / 64 * 64;
}

}  // namespace

std::string_view name(Layout layout) {
  return layout == Layout::kStored ? "stored" : "panel16";
}

int64_t panel_unit(DType type) {
  switch (type) {
    case DType::kF32:
      return 1;
    case DType::kF16:
    case DType::kBF16:
      return 2;
    default:
      return traits(type).block == 32 ? 64 : 256;
  }
}

int64_t panel_unit_bytes(DType type) {
  switch (type) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
      return 64;
    case DType::kQ8_0:
      return 1088;
    case DType::kQ4_0:
    case DType::kIQ4_NL:
    case DType::kMXFP4:
      return 576;
    case DType::kQ4_1:
      return 640;
    case DType::kQ5_0:
      return 704;
    case DType::kQ5_1:
      return 768;
    case DType::kQ2_K:
      return 1344;
    case DType::kQ3_K:
      return 1856;
    case DType::kQ4_K:
      return 2368;
    case DType::kQ5_K:
      return 2880;
    case DType::kQ6_K:
      return 3392;
    case DType::kIQ4_XS:
      return 2240;
  }
  return 0;
}

uint64_t panel_bytes(DType type, int64_t cols) {
  const int64_t unit = panel_unit(type);
  return static_cast<uint64_t>((cols + unit - 1) / unit * panel_unit_bytes(type));
}

uint64_t layout_bytes(DType type, Layout layout, int64_t rows, int64_t cols) {
  if (layout == Layout::kStored) return stored_bytes(type, rows, cols);
  return static_cast<uint64_t>((rows + kPanelRows - 1) / kPanelRows) * panel_bytes(type, cols);
}

ActLayout act_layout(ActFormat format, int64_t k) {
  ActLayout l{format, k, 0, 0, 0, 0};
  if (format == ActFormat::kF32) {
    l.row_bytes = align64(k * 4);
    return l;
  }
  if (format == ActFormat::kBF16) {
    l.row_bytes = align64(k * 2);
    return l;
  }
  const int64_t block = format == ActFormat::kQ8x32 ? 32 : 256;
  l.scale_offset = align64(k);
  l.sums_offset = align64(l.scale_offset + k / block * 4);
  if (format == ActFormat::kQ8x32) {
    l.row_bytes = align64(l.sums_offset + k / 32 * 4);
  } else {
    l.sums32_offset = align64(l.sums_offset + k / 16 * 2);
    l.row_bytes = align64(l.sums32_offset + k / 32 * 2);
  }
  return l;
}

}  // namespace yoke
