// Writes a model anew with its matrices in other formats.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "convert/recipe.h"
#include "gguf/gguf_file.h"

namespace yoke {

struct QuantizedTensor {
  std::string name;
  std::string from;  // type names
  std::string asked;
  std::string to;  // differs from asked where the row's length does not allow it
  bool fell_back = false;
};

struct QuantizeOptions {
  QuantizeType type = QuantizeType::parse("Q8_0");
  int threads = 1;
  std::function<void(uint64_t done, uint64_t total)> progress = {};  // bytes written
};

// Matrices (tensors of two dimensions and more named *.weight) are converted, everything else is copied. The
// result appears under its name complete or not at all. Throws kBadFile for what cannot be read, kRuntime for
// what cannot be written; kUsage where both names are one file.
std::vector<QuantizedTensor> quantize_model(const GgufFile& in, const std::string& out_path,
                                            const QuantizeOptions& options);

}  // namespace yoke
