// The CPU's kernels other than matrix products as a table of function pointers, one table per instruction set
// (kernels.h says what kernel sources may include). Each follows docs/numerics.md bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace yoke::cpu {

// Floats between the queries of a unit: a constant, so that kernels find them without arithmetic; an odd
// number of cache lines, so that they do not crowd the first cache's sets.
inline constexpr int32_t kQueryStride = 528;
inline constexpr int32_t kMaxHeadDim = 512;

// How the KV cache's numbers lie; the order of KvType.
enum class KvFormat : uint8_t { kF16, kF32, kQ8 };
inline constexpr int kKvFormats = 3;

// Where part of a row's activations go: pointers to the row's first q, scale and sums (ActLayout).
struct QuantizedRow {
  int8_t* q;
  float* scale;
  void* sums;       // q8x32: int32 [k / 32]; q8x256: int16 [k / 16]
  int16_t* sums32;  // q8x256: int16 [k / 32]
};

struct RopeArgs {
  const float* x;        // [heads][head_dim]
  float* out;            // may be x
  const float* norm;     // [head_dim] or null: no norm
  const float* cos_sin;  // [rotated / 2][2]
  float eps;
  float inv_head_dim;
  int32_t heads;
  int32_t head_dim;
  int32_t rotated;
  bool halves;  // pairs (i, i + rotated / 2), else (2i, 2i + 1)
};

// One row's keys and values for kv heads [head_begin, head_end) into its cache block.
struct KvWriteArgs {
  const float* k;    // [kv_heads][head_dim]
  const float* v;    // [kv_heads][head_dim]
  std::byte* block;  // of the position
  int64_t v_offset;  // bytes from K to V in a block
  int32_t slot;      // position mod 32
  int32_t head_dim;
  int32_t head_begin;
  int32_t head_end;
};

// Queries that share a kv head, over one tile of 256 positions.
struct AttentionTile {
  const std::byte* cache;  // block 0
  int64_t block_bytes;
  int64_t v_offset;       // bytes from K to V in a block
  const int32_t* table;   // ids of the tile's blocks of 32 positions
  const std::byte* next;  // keys that will be read after this tile's, or null
  int32_t kv_head;
  int32_t head_dim;
  int32_t first;         // the tile's first position
  int32_t queries;       // at least 1
  const float* q;        // [queries][kQueryStride] scaled
  const int32_t* begin;  // [queries] positions seen, within the tile; begin >= end: none, nothing is written
  const int32_t* end;
  float* scores;  // [tile_queries][256], scratch, 64-byte aligned
  float* wide;  // [2][256][head_dim] scratch, 64-byte aligned: the tile as floats when many queries share it
  float* max;   // [queries]
  float* sum;   // [queries]
  float* out;   // [queries][out_stride]
  int64_t out_stride;
};

struct OpKernels {
  // k elements, a multiple of 32 or 256, from the row's start or any block; padding is not written.
  void (*quantize_q8x32)(const float* x, int64_t k, const QuantizedRow& out);
  void (*quantize_q8x256)(const float* x, int64_t k, const QuantizedRow& out);
  void (*round_bf16)(const float* x, int64_t k, uint16_t* out);  // any k

  // rsqrt(mean of squares + eps) of the whole row; then (x * r) * weight for any part of it.
  float (*rms_factor)(const float* x, int64_t n, float inv_n, float eps);
  void (*scale_rows)(const float* x, float r, const float* weight, int64_t n, float* out);
  void (*head_norm_rope)(const RopeArgs& args);

  void (*gated_mul)(const float* gate, const float* up, int64_t n, float* out);
  void (*add)(const float* a, const float* b, int64_t n, float* out);

  void (*kv_write[kKvFormats])(const KvWriteArgs& args);

  int32_t tile_queries;  // so many share what is loaded of K and V
  // q * scale
  void (*attention_query)(const float* q, int32_t head_dim, float scale, float* to);
  void (*attention_tile[kKvFormats])(const AttentionTile& args);
  // The running result of one query folded with a later tile's.
  void (*attention_fold)(float* max, float* sum, float* out, float tile_max, float tile_sum,
                         const float* tile_out, int32_t head_dim);
  // out * recip(sum)
  void (*attention_finish)(const float* out, float sum, int32_t head_dim, float* to);
};

// Null where the build has no such kernels for this architecture.
const OpKernels* ops_portable();
const OpKernels* ops_avx2();
const OpKernels* ops_avx512();

}  // namespace yoke::cpu
