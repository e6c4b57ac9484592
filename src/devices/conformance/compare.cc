#include "devices/conformance/compare.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <set>

namespace yoke::conformance {
namespace {

struct Part {
  const char* what;
  int64_t offset;  // within the row
  int64_t bytes;
};

// The bytes of a row that have a meaning.
std::vector<Part> parts_of_row(const ProgramValue& value) {
  const int64_t k = value.width;
  if (value.format == ActFormat::kF32) return {{"", 0, k * 4}};
  if (value.format == ActFormat::kBF16) return {{"", 0, (k + 1) / 2 * 4}};
  const ActLayout l = act_layout(value.format, k);
  if (value.format == ActFormat::kQ8x32) {
    return {{" q", 0, l.scale_offset},
            {" scale", l.scale_offset, k / 32 * 4},
            {" sum", l.sums_offset, k / 32 * 4}};
  }
  return {{" q", 0, l.scale_offset},
          {" scale", l.scale_offset, k / 256 * 4},
          {" sum of 16", l.sums_offset, k / 16 * 2},
          {" sum of 32", l.sums32_offset, k / 32 * 2}};
}

float float_at(const std::byte* p) {
  float f;
  std::memcpy(&f, p, 4);
  return f;
}

std::string shown(float f) {
  char text[48];
  std::snprintf(text, sizeof text, "%.9g (0x%08x)", static_cast<double>(f), std::bit_cast<uint32_t>(f));
  return text;
}

std::string byte_text(std::byte b) {
  return std::to_string(std::to_integer<int>(b));
}

float largest(const std::byte* row, int64_t width) {
  float m = 0;
  for (int64_t i = 0; i < width; ++i) m = std::max(m, std::fabs(float_at(row + 4 * i)));
  return m;
}

std::optional<std::string> row_difference(const ProgramValue& value, int64_t row, const std::byte* expected,
                                          const std::byte* got, bool bitwise) {
  const std::string at = "row " + std::to_string(row);
  if (value.format != ActFormat::kF32) {
    for (const Part& part : parts_of_row(value)) {
      for (int64_t i = part.offset; i < part.offset + part.bytes; ++i) {
        if (expected[i] == got[i]) continue;
        return at + part.what + ", byte " + std::to_string(i - part.offset) + ": " + byte_text(got[i]) +
               ", the reference has " + byte_text(expected[i]);
      }
    }
    return std::nullopt;
  }
  const float slack = bitwise ? 0 : largest(expected, value.width) / 1000 + 0x1p-120f;
  int64_t first = -1;
  int64_t count = 0;
  for (int64_t i = 0; i < value.width; ++i) {
    const float e = float_at(expected + 4 * i);
    const float g = float_at(got + 4 * i);
    if (std::bit_cast<uint32_t>(e) == std::bit_cast<uint32_t>(g)) continue;
    if (!bitwise && std::fabs(e - g) <= slack) continue;
    if (first < 0) first = i;
    ++count;
  }
  if (first < 0) return std::nullopt;
  return at + ", element " + std::to_string(first) + ": " + shown(float_at(got + 4 * first)) +
         ", the reference has " + shown(float_at(expected + 4 * first)) + "; " + std::to_string(count) +
         " of " + std::to_string(value.width) + " differ";
}

// Everything outside the written values must be as it was.
std::optional<std::string> stray_write(const Case& c, const std::set<int32_t>& written, MemoryKind memory,
                                       const Bytes& got) {
  const Bytes before = initial_memory(c, memory);
  std::vector<bool> may(before.size(), false);
  for (const int32_t id : written) {
    const ProgramValue& value = c.program.values[id];
    if (value.memory != memory) continue;
    for (uint64_t i = 0; i < value.bytes; ++i) may[value.offset + i] = true;
  }
  for (size_t i = 0; i < before.size(); ++i) {
    if (!may[i] && before[i] != got[i]) {
      return "it wrote outside its output, at byte " + std::to_string(i) + " of " +
             std::to_string(before.size());
    }
  }
  return std::nullopt;
}

std::optional<std::string> cache_difference(const Bytes& expected, const Bytes& got) {
  int64_t first = -1;
  int64_t count = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == got[i]) continue;
    if (first < 0) first = static_cast<int64_t>(i);
    ++count;
  }
  if (first < 0) return std::nullopt;
  return "cache byte " + std::to_string(first) + ": " + byte_text(got[first]) + ", the reference has " +
         byte_text(expected[first]) + "; " + std::to_string(count) + " of " +
         std::to_string(expected.size()) + " differ";
}

}  // namespace

std::optional<std::string> difference(const Case& c, const Outcome& expected, const Outcome& got,
                                      bool bitwise) {
  std::set<int32_t> written;
  for_each_write(c.op(), [&](ValueId id) { written.insert(index(id)); });
  for (const int32_t id : written) {
    const ProgramValue& value = c.program.values[id];
    const bool arena = value.memory == MemoryKind::kArena;
    const int64_t rows = value.rows == RowKind::kRows ? c.step.rows : c.step.wanted();
    for (int64_t r = 0; r < rows; ++r) {
      const uint64_t offset = value.offset + static_cast<uint64_t>(r) * value.row_bytes;
      const std::byte* e = (arena ? expected.arena : expected.staging).data() + offset;
      const std::byte* g = (arena ? got.arena : got.staging).data() + offset;
      if (auto text = row_difference(value, r, e, g, bitwise)) return text;
    }
  }
  if (auto text = stray_write(c, written, MemoryKind::kArena, got.arena)) return text;
  if (auto text = stray_write(c, written, MemoryKind::kStaging, got.staging)) return text;
  for (size_t i = 0; i < expected.caches.size(); ++i) {
    if (auto text = cache_difference(expected.caches[i], got.caches[i])) return text;
  }
  return std::nullopt;
}

}  // namespace yoke::conformance
