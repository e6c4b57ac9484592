// What a model computes, with no device in sight: values, weights, caches and about a dozen kinds of ops in
// order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ops/op.h"
#include "tensor/dtype.h"

namespace yoke {

enum class RowKind : uint8_t {
  kRows,    // one row per row of the step
  kWanted,  // one row per row whose logits are wanted
};

struct NetValue {
  std::string name;  // "blk.3.q"
  int64_t width = 0;
  RowKind rows = RowKind::kRows;
};

struct NetWeight {
  std::string name;  // the tensor's name in the file
  DType type = DType::kF32;
  int64_t rows = 0;  // 1 for vectors
  int64_t cols = 0;
  bool vector = false;  // norms and biases: always held as f32
  bool table = false;   // read row by row by Embed; may be a head's matrix too (tied)
};

// Keys and values of one layer, per position (docs/layouts.md, KV cache).
struct NetCache {
  std::string name;  // "blk.3.kv"
  int32_t kv_heads = 0;
  int32_t head_dim = 0;  // of keys and of values; a multiple of 32 for q8_0
};

// Angles are position * inverse_frequency[i]; cosines and sines are multiplied by magnitude (YaRN's attention
// factor).
struct NetRope {
  std::vector<double> inverse_frequency;  // [rotated / 2], radians per position
  double magnitude = 1.0;
};

struct NetOp {
  Op op;
  int32_t layer = -1;  // transformer block; -1: before (Embed) or after (norm, head) the blocks
};

struct Net {
  std::string architecture;
  int32_t layers = 0;
  int32_t trained_context = 0;
  int64_t vocabulary = 0;
  int64_t width = 0;  // of the residual stream
  std::vector<NetValue> values;
  std::vector<NetWeight> weights;
  std::vector<NetCache> caches;
  std::vector<NetRope> ropes;
  std::vector<NetOp> ops;
  ValueId logits = ValueId::kNone;  // [wanted, vocabulary]
};

}  // namespace yoke
