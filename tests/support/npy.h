// Reads a two-dimensional NumPy array (.npy, little-endian, C order) of one element type.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace yoke::test {

template <typename T>
struct Npy {
  int64_t rows = 0, cols = 0;
  std::vector<T> data;  // [rows][cols]
  std::span<const T> row(int64_t i) const { return {data.data() + i * cols, static_cast<size_t>(cols)}; }
};

// type: NumPy's name of T, "<f4" or "<u2".
template <typename T>
Npy<T> read_npy(const std::string& path, const std::string& type) {
  std::ifstream in(path, std::ios::binary);
  char prefix[10] = {};
  in.read(prefix, sizeof prefix);
  const auto length = static_cast<unsigned char>(prefix[8]) + 256 * static_cast<unsigned char>(prefix[9]);
  std::string header(static_cast<size_t>(length), ' ');
  in.read(header.data(), length);
  const size_t shape = header.find("'shape': (");
  if (!in || header.find("'descr': '" + type + "'") == std::string::npos || shape == std::string::npos)
    throw std::runtime_error("not a .npy of " + type + ": " + path);

  Npy<T> array;
  const char* at = header.c_str() + shape + std::strlen("'shape': (");
  char* end = nullptr;
  array.rows = std::strtoll(at, &end, 10);
  array.cols = std::strtoll(end + 1, nullptr, 10);
  array.data.resize(static_cast<size_t>(array.rows * array.cols));
  in.read(reinterpret_cast<char*>(array.data.data()),
          static_cast<std::streamsize>(array.data.size() * sizeof(T)));
  if (!in) throw std::runtime_error("the file ends early: " + path);
  return array;
}

}  // namespace yoke::test
