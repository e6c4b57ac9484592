// Which format each tensor of a model gets: pure types, and the mixes that give sensitive tensors more bits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"

namespace yoke {

// A type as people name it: "Q4_K" (every matrix), "Q4_K_M" (a mix).
class QuantizeType {
 public:
  // Throws kUsage, listing the known names.
  static QuantizeType parse(std::string_view name);
  static std::vector<std::string> known_names();

  const std::string& name() const { return name_; }
  DType base() const { return base_; }
  // general.file_type of the result, as GGUF tools number it.
  uint32_t file_type() const { return file_type_; }

  struct Tensor {
    std::string_view name;
    bool is_output = false;  // output.weight, or the token table where it is the head too
    int32_t block = -1;      // transformer block, of `blocks`
    int32_t blocks = 0;
  };
  // Before fallbacks. The mixes follow the file types of the GGUF world: the head in Q6_K; attn_v and
  // ffn_down of the first and last eighth of the blocks and of every third between in more bits.
  DType type_for(const Tensor& tensor) const;

 private:
  std::string name_;
  DType base_ = DType::kQ8_0;
  uint32_t file_type_ = 0;
  enum class Mix : uint8_t { kNone, kQ3_K_M, kQ4_K_S, kQ4_K_M, kQ5_K_S, kQ5_K_M } mix_ = Mix::kNone;
};

// The type itself where its block divides the row; else what the GGUF world falls back to (docs/cli.md).
DType with_fallback(DType type, int64_t row_length);

}  // namespace yoke
