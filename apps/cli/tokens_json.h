// Token ids from a file: {"tokens": [...]}, a plain array, numbers between white space, or what `yoke
// tokenize` prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace yoke::cli {

// "-": stdin. Throws kBadFile where it is none of these; the ids are not checked against a vocabulary.
std::vector<int32_t> read_tokens(const std::string& path);
// Throws kBadFile where one is no token of the vocabulary.
void check_tokens(std::span<const int32_t> ids, int64_t vocabulary, const std::string& path);

}  // namespace yoke::cli
