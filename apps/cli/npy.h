// Logits files: NumPy's .npy, float32, two dimensions (the format page is numpy.lib.format).
#pragma once

#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "gguf/atomic_file.h"

namespace yoke::cli {

// Rows in any order; the file appears under its name when close() has written everything.
class NpyWriter {
 public:
  NpyWriter(const std::string& path, int64_t rows, int64_t cols);
  void write(int64_t index, std::span<const float> row);
  void close() { out_.commit(); }

 private:
  AtomicFile out_;
  uint64_t data_start_ = 0;
};

// Throws kBadFile unless it is a whole little-endian float32 matrix in C order.
class NpyReader {
 public:
  explicit NpyReader(const std::string& path);
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  // Valid until the next call.
  std::span<const float> row(int64_t index);

 private:
  [[noreturn]] void bad(const std::string& wrong) const;
  void parse_header(const std::string& header);

  std::string path_;
  std::ifstream in_;
  std::streamoff data_start_ = 0;
  int64_t rows_ = 0, cols_ = 0;
  std::vector<float> row_;
};

}  // namespace yoke::cli
