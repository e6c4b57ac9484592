// Makes a tensor's rows with several threads and hands them on in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace yoke {

// Calls make(first, last, out) for stretches of rows, `threads` at a time, each writing rows * row_bytes
// bytes; then take() with the bytes of stretch after stretch. An exception of make() is thrown here.
void make_rows(int64_t rows, uint64_t row_bytes, int threads,
               const std::function<void(int64_t first, int64_t last, std::byte* out)>& make,
               const std::function<void(std::span<const std::byte>)>& take);

}  // namespace yoke
