// Rotary frequencies from a file's metadata: plain, linear, YaRN, and llama3's per-dimension factors.
#pragma once

#include "models/net_builder.h"

namespace yoke {

// For the first `rotated` dimensions of a head. Reads rope.freq_base, rope.scaling.* and the tensor
// rope_freqs.weight (factors that divide the frequencies) where the file has them.
// YaRN: Peng et al. 2023 (arXiv 2309.00071), section 3.
NetRope read_rope(NetBuilder& b, int32_t rotated);

}  // namespace yoke
