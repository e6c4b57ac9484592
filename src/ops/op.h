// Every operation as a plain struct over value, weight and cache ids: a Net and a Program speak the same
// words.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

namespace yoke {

// Indices into the tables of the Net or Program that holds the op. kNone: absent.
enum class ValueId : int32_t { kNone = -1 };
enum class WeightId : int32_t { kNone = -1 };
enum class CacheId : int32_t { kNone = -1 };
enum class RopeId : int32_t { kNone = -1 };

inline bool given(ValueId id) {
  return id != ValueId::kNone;
}
inline bool given(WeightId id) {
  return id != WeightId::kNone;
}
inline constexpr int32_t index(ValueId id) {
  return static_cast<int32_t>(id);
}
inline constexpr int32_t index(WeightId id) {
  return static_cast<int32_t>(id);
}
inline constexpr int32_t index(CacheId id) {
  return static_cast<int32_t>(id);
}
inline constexpr int32_t index(RopeId id) {
  return static_cast<int32_t>(id);
}

// The rows of `table` that the step's token ids name, dequantized.
struct Embed {
  WeightId table = WeightId::kNone;  // [vocabulary, width]
  ValueId out = ValueId::kNone;      // [rows, width] f32
};

// y = x / rms(x) * weight. Where every reader of `out` wants the same quantized activations, `out` has that
// format and the op quantizes what it computed: same numbers as a QuantizeRows behind it.
struct RmsNorm {
  ValueId x = ValueId::kNone;         // [rows, width] f32
  WeightId weight = WeightId::kNone;  // [width] f32
  float eps = 0;
  ValueId out = ValueId::kNone;  // [rows, width] f32, bf16, q8x32 or q8x256
};

// Made by the compiler before products with quantized weights; shared by all that read it.
struct QuantizeRows {
  ValueId x = ValueId::kNone;    // [rows, k] f32
  ValueId out = ValueId::kNone;  // [rows, k] bf16, q8x32 or q8x256
};

// out = x * weight^T (+ bias) (+ add)
struct Linear {
  ValueId x = ValueId::kNone;         // [rows, k]; f32, or the weight's activation format after compilation
  WeightId weight = WeightId::kNone;  // [n, k]
  WeightId bias = WeightId::kNone;    // [n] f32
  ValueId add = ValueId::kNone;       // [rows, n] f32: the residual stream
  ValueId out = ValueId::kNone;       // [rows, n] f32; never the same memory as x or add
};

enum class Activation : uint8_t { kSilu };

// out = activation(x * gate^T) * (x * up^T)
struct GatedLinear {
  ValueId x = ValueId::kNone;       // [rows, k]; as Linear
  WeightId gate = WeightId::kNone;  // [n, k]
  WeightId up = WeightId::kNone;    // [n, k]
  Activation activation = Activation::kSilu;
  ValueId out = ValueId::kNone;  // [rows, n] f32
};

// The second half of GatedLinear alone: the compiler splits one whose two weights differ in place or format.
struct GatedMul {
  ValueId gate = ValueId::kNone;  // [rows, n] f32
  ValueId up = ValueId::kNone;    // [rows, n] f32
  Activation activation = Activation::kSilu;
  ValueId out = ValueId::kNone;  // [rows, n] f32
};

enum class RopePairs : uint8_t {
  kAdjacent,  // (2i, 2i + 1): llama's GGUF files
  kHalves,    // (i, i + rotated / 2): "neox"
};

// Per head: an optional RMSNorm over the head, then rotary embedding of the first `rotated` dimensions.
struct HeadNormRope {
  ValueId x = ValueId::kNone;         // [rows, heads * head_dim] f32
  WeightId weight = WeightId::kNone;  // [head_dim] f32, or none: no norm
  float eps = 0;
  int32_t heads = 0;
  int32_t head_dim = 0;
  int32_t rotated = 0;  // even; elements past it are copied
  RopePairs pairs = RopePairs::kAdjacent;
  RopeId rope = RopeId::kNone;   // which cosines and sines of the step
  ValueId out = ValueId::kNone;  // as x
};

// Stores this step's keys and values at each row's position.
struct KvWrite {
  ValueId k = ValueId::kNone;  // [rows, kv_heads * head_dim] f32
  ValueId v = ValueId::kNone;  // [rows, kv_heads * head_dim] f32
  CacheId cache = CacheId::kNone;
};

// Causal attention of each row over its own sequence's cache, positions 0 (or its window) to its own.
struct Attention {
  ValueId q = ValueId::kNone;  // [rows, heads * head_dim] f32
  CacheId cache = CacheId::kNone;
  int32_t heads = 0;   // a multiple of the cache's kv_heads: head h reads kv head h / (heads / kv_heads)
  float scale = 0;     // multiplies q
  int32_t window = 0;  // positions seen, the own one included; 0: all
  ValueId out = ValueId::kNone;  // [rows, heads * head_dim] f32
};

struct Add {
  ValueId a = ValueId::kNone;    // [rows, width] f32
  ValueId b = ValueId::kNone;    // [rows, width] f32
  ValueId out = ValueId::kNone;  // [rows, width] f32; may be a's memory
};

// Gathers the rows whose logits are wanted: out[i] = x[step.wanted_rows[i]].
struct WantedRows {
  ValueId x = ValueId::kNone;    // [rows, width] f32
  ValueId out = ValueId::kNone;  // [wanted, width] f32
};

// Made by the compiler: the same value on another device, or in the host's staging memory.
struct Copy {
  ValueId x = ValueId::kNone;
  ValueId out = ValueId::kNone;  // same width, format and rows
};

using Op = std::variant<Embed, RmsNorm, QuantizeRows, Linear, GatedLinear, GatedMul, HeadNormRope, KvWrite,
                        Attention, Add, WantedRows, Copy>;

std::string_view op_name(const Op& op);  // "rms_norm"

// f(ValueId&) for each value that the op reads / writes, f(WeightId&) for each weight; absent ids are left
// out. Op may be const. One description serves the memory plan, the barriers, the printed plan and the cost
// model.
template <class OpT, class F>
void for_each_read(OpT& op, F&& f);
template <class OpT, class F>
void for_each_write(OpT& op, F&& f);
template <class OpT, class F>
void for_each_weight(OpT& op, F&& f);
// The cache an op writes (KvWrite) or reads (Attention); kNone otherwise.
CacheId cache_written(const Op& op);
CacheId cache_read(const Op& op);

}  // namespace yoke

#include "ops/op_fields.h"
