// A byte-level vocabulary of any size that really works: every byte, merges of pairs, control tokens at the
// end.
#pragma once

#include <cstdint>
#include <string_view>

#include "gguf/gguf_writer.h"

namespace yoke {

// Writes tokenizer.ggml.*; size is at least 300. Ends with <|bos|>, <|eos|>, <|im_start|>, <|im_end|>.
void write_synth_vocabulary(GgufWriter& writer, int64_t size, std::string_view pre);

}  // namespace yoke
