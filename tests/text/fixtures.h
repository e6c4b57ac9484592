// Where test data lies, and tokenizers made from it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "gguf/gguf_file.h"
#include "text/gguf_vocabulary.h"
#include "text/tokenizer.h"

namespace yoke {

// The repository's own data.
inline std::filesystem::path test_data(const std::string& name) {
  return std::filesystem::path(YOKE_TESTS_DIR) / "text/data" / name;
}

// Vocabularies and templates of published models, beside the repository; tests skip where they are missing.
inline std::filesystem::path shared_fixtures() {
  return std::filesystem::path(YOKE_TESTS_DIR) / "../../shared/fixtures";
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline Tokenizer tokenizer_of(const std::filesystem::path& gguf) {
  return Tokenizer::create(vocabulary_from_gguf(GgufFile::open(gguf.string())));
}

}  // namespace yoke
