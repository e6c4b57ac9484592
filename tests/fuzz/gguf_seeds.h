// Small valid GGUF files of different kinds, to start mutations from.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace yoke::test {

struct GgufSeed {
  std::string name;
  std::vector<std::byte> bytes;
};

// tiny-llama: all that a llama model needs, with random weights and a byte-level vocabulary, so that what is
// accepted
//   can also run a step.
// every-type: each metadata type, nested arrays, one tensor of each tensor type, alignment 64.
// vocabulary: version 2, strings and scores, no tensors.
// shapes: tensors of rank 0 to 4, gaps between their data.
std::vector<GgufSeed> gguf_seeds();

}  // namespace yoke::test
