#include "models/decoder.h"

#include <cmath>
#include <string>

#include "base/error.h"

namespace yoke {
namespace {

constexpr int64_t kMostWidth = 1 << 20;

[[noreturn]] void bad(const NetBuilder& b, const std::string& wrong) {
  fail(ErrorKind::kBadFile, "reading " + b.file().path(), b.architecture() + "." + wrong);
}

}  // namespace

DecoderShape read_decoder_shape(NetBuilder& b) {
  DecoderShape s;
  s.blocks = static_cast<int32_t>(b.need_int("block_count", 1, 4096));
  s.width = b.need_int("embedding_length", 1, kMostWidth);
  s.feed_forward = b.need_int("feed_forward_length", 1, 4 * kMostWidth);
  s.heads = static_cast<int32_t>(b.need_int("attention.head_count", 1, 4096));
  s.kv_heads = static_cast<int32_t>(b.int_or("attention.head_count_kv", s.heads, 1, 4096));
  s.head_dim = static_cast<int32_t>(b.int_or("attention.key_length", s.width / s.heads, 1, 1024));
  s.rotated = static_cast<int32_t>(b.int_or("rope.dimension_count", s.head_dim, 0, 1024));
  s.eps = static_cast<float>(b.float_or("attention.layer_norm_rms_epsilon", 1e-5, 1e-12, 1));
  s.vocabulary = b.rows_of("token_embd.weight");
  if (s.heads % s.kv_heads != 0) bad(b, "attention.head_count_kv: does not divide attention.head_count");
  if (b.int_or("attention.value_length", s.head_dim, 1, 1024) != s.head_dim)
    bad(b, "attention.value_length: differs from the key length, which cannot be run yet");
  if (s.rotated > s.head_dim || s.rotated % 2 != 0)
    bad(b, "rope.dimension_count: " + std::to_string(s.rotated) + " is odd or longer than a head");
  if (s.vocabulary > (1 << 24)) bad(b, "vocab_size: more than 2^24 tokens");
  b.refuse_unless_zero("expert_count", "experts");
  b.refuse_unless_zero("attention.sliding_window", "sliding windows");
  Net& net = b.net();
  net.layers = s.blocks;
  net.trained_context = static_cast<int32_t>(b.need_int("context_length", 1, 1 << 30));
  net.vocabulary = s.vocabulary;
  net.width = s.width;
  return s;
}

ValueId attention_half(NetBuilder& b, const DecoderShape& s, const AttentionStyle& style, ValueId x) {
  const int64_t q_width = static_cast<int64_t>(s.heads) * s.head_dim;
  const int64_t kv_width = static_cast<int64_t>(s.kv_heads) * s.head_dim;
  const ValueId h = b.rms_norm(x, b.vector("attn_norm.weight", s.width), s.eps, "attn_norm");
  const ValueId q = b.linear(h, b.matrix("attn_q.weight", q_width, s.width), "q",
                             {.bias = b.vector_if_there("attn_q.bias", q_width)});
  const ValueId k = b.linear(h, b.matrix("attn_k.weight", kv_width, s.width), "k",
                             {.bias = b.vector_if_there("attn_k.bias", kv_width)});
  const ValueId v = b.linear(h, b.matrix("attn_v.weight", kv_width, s.width), "v",
                             {.bias = b.vector_if_there("attn_v.bias", kv_width)});
  const auto rotate = [&](ValueId in, int32_t heads, const char* norm, const char* name) {
    return b.head_norm_rope({.x = in,
                             .weight = style.head_norms ? b.vector(norm, s.head_dim) : WeightId::kNone,
                             .eps = s.eps,
                             .heads = heads,
                             .head_dim = s.head_dim,
                             .rotated = s.rotated,
                             .pairs = style.pairs,
                             .rope = style.rope},
                            name);
  };
  const ValueId q_rotated = rotate(q, s.heads, "attn_q_norm.weight", "q_rope");
  const ValueId k_rotated = rotate(k, s.kv_heads, "attn_k_norm.weight", "k_rope");
  const CacheId kv = b.cache("kv", s.kv_heads, s.head_dim);
  b.kv_write(k_rotated, v, kv);
  const ValueId mixed =
      b.attention({.q = q_rotated,
                   .cache = kv,
                   .heads = s.heads,
                   .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(s.head_dim)))},
                  "attention");
  return b.linear(mixed, b.matrix("attn_output.weight", s.width, q_width), "attn_residual",
                  {.bias = b.vector_if_there("attn_output.bias", s.width), .add = x});
}

ValueId feed_forward_half(NetBuilder& b, const DecoderShape& s, ValueId x) {
  const ValueId h = b.rms_norm(x, b.vector("ffn_norm.weight", s.width), s.eps, "ffn_norm");
  const WeightId gate = b.matrix("ffn_gate.weight", s.feed_forward, s.width);
  const WeightId up = b.matrix("ffn_up.weight", s.feed_forward, s.width);
  const WeightId gate_bias = b.vector_if_there("ffn_gate.bias", s.feed_forward);
  const WeightId up_bias = b.vector_if_there("ffn_up.bias", s.feed_forward);
  ValueId inner = ValueId::kNone;
  if (given(gate_bias) || given(up_bias)) {
    inner = b.gated_mul(b.linear(h, gate, "ffn_gate", {.bias = gate_bias}),
                        b.linear(h, up, "ffn_up", {.bias = up_bias}), Activation::kSilu, "ffn_gated");
  } else {
    inner = b.gated_linear(h, gate, up, Activation::kSilu, "ffn_gated");
  }
  return b.linear(inner, b.matrix("ffn_down.weight", s.width, s.feed_forward), "ffn_residual",
                  {.bias = b.vector_if_there("ffn_down.bias", s.width), .add = x});
}

ValueId token_embedding(NetBuilder& b, const DecoderShape& s) {
  return b.embed(b.matrix("token_embd.weight", s.vocabulary, s.width), "token_embd");
}

ValueId output_head(NetBuilder& b, const DecoderShape& s, ValueId x) {
  const ValueId wanted = b.wanted_rows(x, "wanted");
  const ValueId h = b.rms_norm(wanted, b.vector("output_norm.weight", s.width), s.eps, "output_norm");
  const char* head = b.has("output.weight") ? "output.weight" : "token_embd.weight";
  return b.linear(h, b.matrix(head, s.vocabulary, s.width), "logits",
                  {.bias = b.vector_if_there("output.bias", s.vocabulary)});
}

}  // namespace yoke
