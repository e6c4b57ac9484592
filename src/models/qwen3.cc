// Qwen3 (arXiv 2505.09388): Qwen2's block without biases, with an RMSNorm over each head of q and k.
#include "models/architecture.h"
#include "models/decoder.h"
#include "models/rope_scaling.h"

namespace yoke {

Net build_qwen3(const GgufFile& file) {
  NetBuilder b(file);
  const DecoderShape shape = read_decoder_shape(b);
  const RopeId rope = b.rope(read_rope(b, shape.rotated));
  ValueId x = token_embedding(b, shape);  // [rows, width]
  for (int32_t block = 0; block < shape.blocks; ++block) {
    b.begin_block(block);
    x = attention_half(b, shape, {.pairs = RopePairs::kHalves, .rope = rope, .head_norms = true}, x);
    x = feed_forward_half(b, shape, x);
  }
  b.end_blocks();
  return b.finish(output_head(b, shape, x));
}

}  // namespace yoke
