// A Net with the shape of a small decoder, made without a file: for tests of compiling and placing.
#pragma once

#include <string>

#include "program/net.h"

namespace yoke::testing {

struct SmallNetShape {
  int32_t layers = 2;
  int64_t width = 256;
  int64_t feed_forward = 512;
  int64_t vocabulary = 320;
  int32_t heads = 4;
  int32_t kv_heads = 2;
  int32_t head_dim = 64;
  DType type = DType::kQ4_K;
  DType up_type = DType::kQ4_K;
  bool tied = true;
};

class SmallNet {
 public:
  explicit SmallNet(const SmallNetShape& shape) : s_(shape) {
    net.architecture = "small";
    net.layers = s_.layers;
    net.trained_context = 2048;
    net.vocabulary = s_.vocabulary;
    net.width = s_.width;
    net.ropes.push_back(
        {.inverse_frequency = std::vector<double>(static_cast<size_t>(s_.head_dim / 2), 0.01)});
    const WeightId table = weight("token_embd.weight", s_.vocabulary, s_.width, s_.type);
    net.weights[index(table)].table = true;
    ValueId x = value("token_embd", s_.width);
    push(Embed{.table = table, .out = x});
    for (layer_ = 0; layer_ < s_.layers; ++layer_) x = block(x);
    layer_ = -1;
    head(x, table);
  }

  Net net;

 private:
  std::string named(const std::string& name) const {
    return layer_ < 0 ? name : "blk." + std::to_string(layer_) + "." + name;
  }
  ValueId value(const std::string& name, int64_t width, RowKind rows = RowKind::kRows) {
    net.values.push_back({named(name), width, rows});
    return static_cast<ValueId>(net.values.size() - 1);
  }
  WeightId weight(const std::string& name, int64_t rows, int64_t cols, DType type) {
    net.weights.push_back({.name = named(name), .type = type, .rows = rows, .cols = cols});
    return static_cast<WeightId>(net.weights.size() - 1);
  }
  WeightId norm(const std::string& name) {
    const WeightId id = weight(name, 1, s_.width, DType::kF32);
    net.weights[index(id)].vector = true;
    return id;
  }
  void push(Op op) { net.ops.push_back({op, layer_}); }

  ValueId linear(ValueId x, const std::string& name, int64_t rows, const std::string& out,
                 ValueId add = ValueId::kNone) {
    const int64_t cols = net.values[index(x)].width;
    const ValueId made = value(out, rows, net.values[index(x)].rows);
    push(Linear{.x = x, .weight = weight(name, rows, cols, s_.type), .add = add, .out = made});
    return made;
  }
  ValueId rms_norm(ValueId x, const std::string& name, const std::string& out) {
    const ValueId made = value(out, s_.width, net.values[index(x)].rows);
    push(RmsNorm{.x = x, .weight = norm(name), .eps = 1e-5F, .out = made});
    return made;
  }
  ValueId rotate(ValueId x, int32_t heads, const std::string& out) {
    const ValueId made = value(out, net.values[index(x)].width);
    push(HeadNormRope{.x = x,
                      .heads = heads,
                      .head_dim = s_.head_dim,
                      .rotated = s_.head_dim,
                      .rope = static_cast<RopeId>(0),
                      .out = made});
    return made;
  }

  ValueId block(ValueId x) {
    const int64_t q_width = static_cast<int64_t>(s_.heads) * s_.head_dim;
    const int64_t kv_width = static_cast<int64_t>(s_.kv_heads) * s_.head_dim;
    ValueId h = rms_norm(x, "attn_norm.weight", "attn_norm");
    const ValueId q = linear(h, "attn_q.weight", q_width, "q");
    const ValueId k = linear(h, "attn_k.weight", kv_width, "k");
    const ValueId v = linear(h, "attn_v.weight", kv_width, "v");
    net.caches.push_back({named("kv"), s_.kv_heads, s_.head_dim});
    const auto cache = static_cast<CacheId>(net.caches.size() - 1);
    const ValueId qr = rotate(q, s_.heads, "q_rope");
    const ValueId kr = rotate(k, s_.kv_heads, "k_rope");
    push(KvWrite{.k = kr, .v = v, .cache = cache});
    const ValueId mixed = value("attention", q_width);
    push(Attention{.q = qr, .cache = cache, .heads = s_.heads, .scale = 0.125F, .out = mixed});
    x = linear(mixed, "attn_output.weight", s_.width, "attn_residual", x);
    h = rms_norm(x, "ffn_norm.weight", "ffn_norm");
    const ValueId inner = value("ffn_gated", s_.feed_forward);
    const WeightId gate = weight("ffn_gate.weight", s_.feed_forward, s_.width, s_.type);
    const WeightId up = weight("ffn_up.weight", s_.feed_forward, s_.width, s_.up_type);
    push(GatedLinear{.x = h, .gate = gate, .up = up, .out = inner});
    return linear(inner, "ffn_down.weight", s_.width, "ffn_residual", x);
  }

  void head(ValueId x, WeightId table) {
    const ValueId wanted = value("wanted", s_.width, RowKind::kWanted);
    push(WantedRows{.x = x, .out = wanted});
    const ValueId h = rms_norm(wanted, "output_norm.weight", "output_norm");
    net.logits = value("logits", s_.vocabulary, RowKind::kWanted);
    const WeightId head = s_.tied ? table : weight("output.weight", s_.vocabulary, s_.width, s_.type);
    push(Linear{.x = h, .weight = head, .out = net.logits});
  }

  SmallNetShape s_;
  int32_t layer_ = -1;
};

}  // namespace yoke::testing
