// Reads a tokenizer's vocabulary and the chat template from the metadata of a GGUF file.
#pragma once

#include "gguf/gguf_file.h"
#include "text/vocabulary.h"

namespace yoke {

// Copies everything: the file may be closed afterwards. Throws kBadFile where the file has no tokenizer or a
// key has the wrong type; what the values mean is checked by Tokenizer::create.
Vocabulary vocabulary_from_gguf(const GgufFile& file);

}  // namespace yoke
