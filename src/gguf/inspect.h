// What a GGUF model holds, for people (text) and for programs (JSON).
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "gguf/gguf_file.h"

namespace yoke {

struct InspectOptions {
  size_t array_elements = 8;  // shown of a longer array
  size_t text_bytes = 100;    // shown of a longer string, in text only
};

// Several lines, each ended, no control characters of the file in them.
std::string inspect_text(const GgufFile& file, const InspectOptions& options = {});

// {"path", "version", "alignment", "bytes", "shards": [{"path", "bytes"}],
//  "metadata": [{"key", "type", "value"}, {"key", "type": "array", "element_type", "count", "value": [first
//  ones]}], "tensors": [{"name", "type", "type_id", "shape", "shard", "offset", "bytes"}], "types": [{"type",
//  "tensors", "values", "bytes"}], "values", "tensor_bytes"}
// Strings are valid UTF-8; floats that JSON lacks are the strings "nan", "inf" and "-inf".
nlohmann::ordered_json inspect_json(const GgufFile& file, const InspectOptions& options = {});

}  // namespace yoke
