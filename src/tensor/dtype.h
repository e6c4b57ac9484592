// The number formats of weights as one table: block size, bytes, name, and the activations a product takes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace yoke {

// The values are GGUF's tensor type ids. Only what can be run is listed; gguf/ knows every id for inspection.
enum class DType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kIQ4_XS = 23,
  kBF16 = 30,
  kMXFP4 = 39,
};

// What a matrix product with this weight format takes on its left side (docs/numerics.md).
enum class ActFormat : uint8_t { kF32, kBF16, kQ8x32, kQ8x256 };
// Whether rows are integers in blocks, with scales and sums.
constexpr bool has_blocks(ActFormat format) {
  return format == ActFormat::kQ8x32 || format == ActFormat::kQ8x256;
}

struct DTypeTraits {
  DType type;
  std::string_view name;  // as GGUF tools spell it: "Q4_K"
  int32_t block;          // elements; rows are a multiple of it
  int32_t block_bytes;
  ActFormat act;
  DType fallback;  // what a row that `block` does not divide is quantized to instead (docs/cli.md); itself:
                   // none
};

// All formats, in the order of their ids.
std::span<const DTypeTraits> all_dtypes();
const DTypeTraits& traits(DType type);
// None where the id is unknown or cannot be run.
std::optional<DType> dtype_from_gguf(uint32_t id);
// "q4_k", "Q4_K" -> kQ4_K
std::optional<DType> dtype_from_name(std::string_view name);

std::string_view name(ActFormat format);  // "f32", "bf16", "q8x32", "q8x256"

// Bytes of `rows` stored rows of `cols` elements; cols must be a multiple of the block.
uint64_t stored_bytes(DType type, int64_t rows, int64_t cols);

}  // namespace yoke
