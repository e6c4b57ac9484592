// What llama-like decoders have in common: their hyperparameters and the two halves of a block.
#pragma once

#include "models/net_builder.h"

namespace yoke {

struct DecoderShape {
  int32_t blocks = 0;
  int64_t width = 0;
  int64_t feed_forward = 0;
  int64_t vocabulary = 0;
  int32_t heads = 0;
  int32_t kv_heads = 0;
  int32_t head_dim = 0;
  int32_t rotated = 0;
  float eps = 0;
};

// Reads and checks them, and fills the Net's own fields.
DecoderShape read_decoder_shape(NetBuilder& b);

struct AttentionStyle {
  RopePairs pairs = RopePairs::kAdjacent;
  RopeId rope = RopeId::kNone;
  bool head_norms =
      false;  // RMSNorm over each head of q and k before the rotation (attn_q_norm, attn_k_norm)
};

// x + attention(norm(x)); biases where the file has them.
ValueId attention_half(NetBuilder& b, const DecoderShape& s, const AttentionStyle& style, ValueId x);
// x + down(silu(gate(norm(x))) * up(norm(x)))
ValueId feed_forward_half(NetBuilder& b, const DecoderShape& s, ValueId x);
// Token table, and at the end the norm and the head: the file's own or, tied, the token table.
ValueId token_embedding(NetBuilder& b, const DecoderShape& s);
ValueId output_head(NetBuilder& b, const DecoderShape& s, ValueId x);

}  // namespace yoke
