#include "size.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace yoke::cli {

std::optional<uint64_t> parse_size(std::string_view text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  double factor = 1;
  if (!unit.empty()) {
    switch (unit.front()) {
      case 'K':
      case 'k':
        factor = 0x1p10;
        break;
      case 'M':
      case 'm':
        factor = 0x1p20;
        break;
      case 'G':
      case 'g':
        factor = 0x1p30;
        break;
      case 'T':
      case 't':
        factor = 0x1p40;
        break;
      default:
        return std::nullopt;
    }
    unit.remove_prefix(1);
    if (!unit.empty() && unit != "B" && unit != "iB") return std::nullopt;
  }
  const double bytes = number * factor;
  if (!(bytes < 0x1p63)) return std::nullopt;
  return static_cast<uint64_t>(std::llround(bytes));
}

std::string shown_size(uint64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double number = static_cast<double>(bytes);
  int unit = 0;
  while (number >= 1024 && unit < 4) {
    number /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", number, kUnits[unit]);
  return text;
}

}  // namespace yoke::cli
