// Sizes as people type them: bytes, or K, M, G in powers of 1024.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yoke::cli {

// "1536M", "2G", "1.5G", "4096"; none where it is no size.
std::optional<uint64_t> parse_size(std::string_view text);
// "1.5 GiB"
std::string shown_size(uint64_t bytes);

}  // namespace yoke::cli
