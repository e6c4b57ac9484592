// Writes a Net down op by op and checks every hyperparameter and tensor of the file on the way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gguf/gguf_file.h"
#include "program/net.h"

namespace yoke {

class NetBuilder {
 public:
  // Errors are kBadFile and name the file and the key or tensor.
  explicit NetBuilder(const GgufFile& file);

  // Keys are given without the architecture: "block_count" reads "llama.block_count". Values outside [low,
  // high] are an error.
  int64_t need_int(std::string_view key, int64_t low, int64_t high) const;
  int64_t int_or(std::string_view key, int64_t otherwise, int64_t low, int64_t high) const;
  double float_or(std::string_view key, double otherwise, double low, double high) const;
  std::string text_or(std::string_view key, std::string_view otherwise) const;
  // Stops where the file asks for something that the architecture's description leaves out.
  void refuse_unless_zero(std::string_view key, std::string_view what) const;

  // Names of tensors: outside the blocks as they are, inside a block "attn_q.weight" means
  // "blk.7.attn_q.weight".
  void begin_block(int32_t block) { block_ = block; }
  void end_blocks() { block_ = -1; }

  // Declares a tensor of the file; a missing or misshapen one is an error. Shapes are [rows, cols].
  WeightId matrix(std::string_view name, int64_t rows, int64_t cols);
  WeightId vector(std::string_view name, int64_t size);
  WeightId vector_if_there(std::string_view name, int64_t size);  // kNone where the file has none
  bool has(std::string_view name) const;
  // Rows of a tensor whose row count nothing else tells (the vocabulary).
  int64_t rows_of(std::string_view name) const;
  const TensorInfo& tensor(std::string_view name) const;

  RopeId rope(NetRope rope);
  CacheId cache(std::string_view name, int32_t kv_heads, int32_t head_dim);

  // Each appends one op and returns the value it makes.
  ValueId embed(WeightId table, std::string_view name);
  ValueId rms_norm(ValueId x, WeightId weight, float eps, std::string_view name);
  struct LinearExtras {
    WeightId bias = WeightId::kNone;
    ValueId add = ValueId::kNone;
  };
  ValueId linear(ValueId x, WeightId weight, std::string_view name, const LinearExtras& extras);
  ValueId linear(ValueId x, WeightId weight, std::string_view name) { return linear(x, weight, name, {}); }
  ValueId gated_linear(ValueId x, WeightId gate, WeightId up, Activation activation, std::string_view name);
  ValueId gated_mul(ValueId gate, ValueId up, Activation activation, std::string_view name);
  ValueId head_norm_rope(HeadNormRope op, std::string_view name);  // op.out is filled in
  void kv_write(ValueId k, ValueId v, CacheId cache);
  ValueId attention(Attention op, std::string_view name);  // op.out is filled in
  ValueId add(ValueId a, ValueId b, std::string_view name);
  ValueId wanted_rows(ValueId x, std::string_view name);

  // layers, trained_context and vocabulary are read by many; the rest is complete.
  Net finish(ValueId logits);

  const GgufFile& file() const { return file_; }
  const std::string& architecture() const { return net_.architecture; }
  Net& net() { return net_; }

 private:
  std::string full_key(std::string_view key) const;
  std::string full_name(std::string_view name) const;
  WeightId declare(std::string_view name, int64_t rows, int64_t cols, bool vector);
  ValueId value(std::string_view name, int64_t width, RowKind rows);
  int64_t width(ValueId id) const { return net_.values[index(id)].width; }
  RowKind rows(ValueId id) const { return net_.values[index(id)].rows; }
  void append(Op op) { net_.ops.push_back({std::move(op), block_}); }
  [[noreturn]] void bad(const std::string& wrong) const;

  const GgufFile& file_;
  Net net_;
  int32_t block_ = -1;
  std::map<std::string, WeightId, std::less<>> declared_;
};

}  // namespace yoke
