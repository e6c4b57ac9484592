// Token ids from a file: {"tokens": [...]}, a plain array, or numbers between white space.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace yoke::cli {

// "-": stdin. Throws kBadFile where it is none of these; the ids are not checked against a vocabulary.
std::vector<int32_t> read_tokens(const std::string& path);

}  // namespace yoke::cli
