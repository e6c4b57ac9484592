// Weights to blocks and back, as the GGUF formats are published; plain and scalar: the reference for every
// kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace yoke {

// blocks: stored_bytes(type, 1, n) bytes -> out[n]. Bit-exact with the published formulas (oracle: PyPI's
// gguf).
void dequantize(DType type, const std::byte* blocks, int64_t n, float* out);

// in[n] -> blocks. Plain rounding: byte for byte what PyPI's gguf.quants writes where it can quantize the
// type; elsewhere within a bound derived in tests. Non-finite input throws kBadFile.
void quantize(DType type, const float* in, int64_t n, std::byte* blocks);

// Activation rows as docs/numerics.md says: in[k] -> one row of act_layout(format, k).
void quantize_activations(ActFormat format, const float* in, int64_t k, std::byte* row);

}  // namespace yoke
