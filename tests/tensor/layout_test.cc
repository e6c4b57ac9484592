#include "tensor/layout.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tensor/quantize.h"
#include "tests_support.h"

namespace yoke {
namespace {

// Widths that reach every remainder of a unit: for blocks of 32 odd and even numbers of blocks, for 256 one
// to three, for floats also one element and odd counts.
std::vector<int64_t> widths(DType type) {
  switch (traits(type).block) {
    case 1:
      return {1, 2, 3, 31, 64, 65, 129};
    case 32:
      return {32, 64, 96, 160, 256};
    default:
      return {256, 512, 768};
  }
}

class LayoutTest : public testing::TestWithParam<DType> {};

TEST_P(LayoutTest, PackingIsLossless) {
  const DType type = GetParam();
  for (const int64_t rows : {1, 15, 16, 17, 33}) {
    for (const int64_t cols : widths(type)) {
      const std::vector<std::byte> stored = random_rows(type, rows, cols, static_cast<uint32_t>(rows * cols));
      std::vector<std::byte> panels(layout_bytes(type, Layout::kPanel16, rows, cols), std::byte{0xCC});
      pack_panels(type, rows, cols, stored.data(), 0, (rows + 15) / 16, panels.data());
      const uint64_t row_bytes = stored_bytes(type, 1, cols);
      std::vector<std::byte> row(row_bytes);
      for (int64_t r = 0; r < rows; ++r) {
        unpack_row(type, cols, panels.data(), r, row.data());
        ASSERT_EQ(std::memcmp(row.data(), stored.data() + r * row_bytes, row_bytes), 0)
            << traits(type).name << " row " << r << " of " << rows << " x " << cols;
      }
    }
  }
}

TEST_P(LayoutTest, PanelsCanBePackedOneByOne) {
  const DType type = GetParam();
  const int64_t rows = 40;
  const int64_t cols = widths(type).back();
  const std::vector<std::byte> stored = random_rows(type, rows, cols, 7);
  const uint64_t bytes = panel_bytes(type, cols);
  std::vector<std::byte> whole(3 * bytes);
  std::vector<std::byte> parts(3 * bytes, std::byte{0xCC});
  pack_panels(type, rows, cols, stored.data(), 0, 3, whole.data());
  for (const int64_t panel : {2, 0, 1}) {
    pack_panels(type, rows, cols, stored.data(), panel, panel + 1, parts.data() + panel * bytes);
  }
  EXPECT_EQ(whole, parts);
}

TEST_P(LayoutTest, RowsPastTheEndAreZero) {
  const DType type = GetParam();
  const int64_t cols = widths(type).back();
  const std::vector<std::byte> stored = random_rows(type, 1, cols, 8);
  std::vector<std::byte> panel(panel_bytes(type, cols), std::byte{0xCC});
  pack_panels(type, 1, cols, stored.data(), 0, 1, panel.data());
  // A lane of zeros has scale 0, so whatever its codes say it contributes 0.
  std::vector<float> row(cols, 1.0f);
  std::vector<std::byte> scratch(stored_bytes(type, 1, cols));
  for (int64_t r = 1; r < 16; ++r) {
    read_row(type, Layout::kPanel16, cols, panel.data(), r, row.data(), scratch.data());
    const float tiny = type == DType::kMXFP4 ? 0x1p-120f : 0.0f;  // its smallest scale is not 0
    for (const float x : row) ASSERT_LE(std::abs(x), tiny) << traits(type).name;
  }
}

TEST_P(LayoutTest, ReadRowIsDequantizeInBothLayouts) {
  const DType type = GetParam();
  const int64_t rows = 18;
  const int64_t cols = widths(type).back();
  const std::vector<std::byte> stored = random_rows(type, rows, cols, 9);
  std::vector<std::byte> panels(layout_bytes(type, Layout::kPanel16, rows, cols));
  pack_panels(type, rows, cols, stored.data(), 0, 2, panels.data());
  const uint64_t row_bytes = stored_bytes(type, 1, cols);
  std::vector<std::byte> scratch(row_bytes);
  std::vector<float> expected(cols);
  std::vector<float> got(cols);
  for (int64_t r = 0; r < rows; ++r) {
    dequantize(type, stored.data() + r * row_bytes, cols, expected.data());
    for (const Layout layout : {Layout::kStored, Layout::kPanel16}) {
      const std::byte* matrix = layout == Layout::kStored ? stored.data() : panels.data();
      read_row(type, layout, cols, matrix, r, got.data(), scratch.data());
      ASSERT_EQ(std::memcmp(got.data(), expected.data(), cols * sizeof(float)), 0)
          << traits(type).name << " row " << r << " " << name(layout);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, LayoutTest, testing::ValuesIn(format_list()), format_name);

// One number placed by hand where the table of docs/layouts.md says, for the formats whose order is least
// obvious; packing and unpacking could otherwise share a mistake.
TEST(PanelTable, Q4_1SecondBlockHighNibble) {
  std::vector<std::byte> row(2 * 20);
  row[20 + 4 + 3] = std::byte{0xB0};  // block 1, byte 3, high nibble: element 3 + 16 = 19 = group 4, byte 3
  std::vector<std::byte> panel(panel_bytes(DType::kQ4_1, 64));
  pack_panels(DType::kQ4_1, 1, 64, row.data(), 0, 1, panel.data());
  EXPECT_EQ(panel[128 + 4 * 64 + 3], std::byte{0xB0});
}
TEST(PanelTable, Q5_0HighBit) {
  std::vector<std::byte> rows(2 * 22 * 2);
  const size_t second_row = 2 * 22;
  rows[second_row + 22 + 2 + 1] =
      std::byte{1 << 6};  // block 1, bit 14 of the word: element 14 = group 3, byte 2
  std::vector<std::byte> panel(panel_bytes(DType::kQ5_0, 64));
  pack_panels(DType::kQ5_0, 2, 64, rows.data(), 0, 1, panel.data());
  EXPECT_EQ(panel[64 + 64 + 4 * 1 + 2], std::byte{1 << 3});
}
TEST(PanelTable, Q6_KFourthGroup) {
  std::vector<std::byte> row(210);
  // Element 128 + 96 + 15 = sub 14, group 3, byte 3: low bits in byte 64 + 47 high nibble, high bits in
  // byte 47.
  row[64 + 47] = std::byte{0x90};
  row[128 + 32 + 15] = std::byte{2 << 6};
  std::vector<std::byte> panel(panel_bytes(DType::kQ6_K, 256));
  pack_panels(DType::kQ6_K, 1, 256, row.data(), 0, 1, panel.data());
  const size_t sub = 320 + (14 * 3) * 64;  // code 9 + 2 * 16 = 41 = 0b101001
  EXPECT_EQ(panel[sub + 3], std::byte{1 << 6});
  EXPECT_EQ(panel[sub + 64 + 3], std::byte{2 << 6});
  EXPECT_EQ(panel[sub + 128 + 3], std::byte{2 << 6});
}
TEST(PanelTable, Q4_KMinOfOddSub) {
  std::vector<std::byte> row(144);
  row[4 + 4 + 3] = std::byte{37};  // minimum of sub 3
  std::vector<std::byte> panel(panel_bytes(DType::kQ4_K, 256));
  pack_panels(DType::kQ4_K, 1, 256, row.data(), 0, 1, panel.data());
  EXPECT_EQ(panel[64 + 128 + 32 * 1 + 1], std::byte{37});
}
TEST(PanelTable, Q3_KHighBit) {
  std::vector<std::byte> row(110);
  row[21] = std::byte{1 << 5};  // element 21 of 32-block 5: group 5, byte 1
  std::vector<std::byte> panel(panel_bytes(DType::kQ3_K, 256));
  pack_panels(DType::kQ3_K, 1, 256, row.data(), 0, 1, panel.data());
  EXPECT_EQ(panel[320 + 192 * 5 + 128 + 1], std::byte{4 << 3});
}

TEST(PanelTable, Bf16PairsLieTogether) {
  const uint16_t rows[2][3] = {{1, 2, 3}, {4, 5, 6}};
  std::vector<std::byte> panel(panel_bytes(DType::kBF16, 3));
  ASSERT_EQ(panel.size(), 128u);
  pack_panels(DType::kBF16, 2, 3, reinterpret_cast<const std::byte*>(rows), 0, 1, panel.data());
  uint16_t got[2][16][2];
  std::memcpy(got, panel.data(), sizeof got);
  EXPECT_EQ(got[0][0][0], 1);
  EXPECT_EQ(got[0][0][1], 2);
  EXPECT_EQ(got[0][1][1], 5);
  EXPECT_EQ(got[1][1][0], 6);
  EXPECT_EQ(got[1][1][1], 0);  // what pads an odd k
}

TEST(ActLayoutTest, OffsetsAreAligned) {
  for (const int64_t k : {256, 768, 4096}) {
    for (const ActFormat format :
         {ActFormat::kF32, ActFormat::kBF16, ActFormat::kQ8x32, ActFormat::kQ8x256}) {
      const ActLayout l = act_layout(format, k);
      EXPECT_EQ(l.scale_offset % 64, 0);
      EXPECT_EQ(l.sums_offset % 64, 0);
      EXPECT_EQ(l.sums32_offset % 64, 0);
      EXPECT_EQ(l.row_bytes % 64, 0);
    }
  }
}

}  // namespace
}  // namespace yoke
