#include "npy.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <regex>
#include <system_error>

#include "base/error.h"

namespace yoke::cli {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMostHeader = 4096;

}  // namespace

NpyWriter::NpyWriter(const std::string& path, int64_t rows, int64_t cols)
    : out_(path, kMostHeader + static_cast<uint64_t>(rows) * static_cast<uint64_t>(cols) * sizeof(float)) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(cols) + "), }";
  const size_t start = kMagic.size() + 4;
  header.append(63 - (start + header.size()) % 64, ' ');  // the data begins at a multiple of 64
  header += '\n';
  std::string begin(kMagic);
  begin += {1, 0, static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  begin += header;
  out_.write(std::as_bytes(std::span(begin)));
  data_start_ = begin.size();
}

void NpyWriter::write(int64_t index, std::span<const float> row) {
  out_.write_at(data_start_ + static_cast<uint64_t>(index) * row.size_bytes(), std::as_bytes(row));
}

NpyReader::NpyReader(const std::string& path) : path_(path), in_(path, std::ios::binary) {
  std::error_code no_error;
  if (!in_) bad(std::strerror(errno));
  if (std::filesystem::is_directory(path, no_error)) bad("it is a directory");
  std::array<unsigned char, 12> start{};
  in_.read(reinterpret_cast<char*>(start.data()), 10);
  if (!in_ || std::string_view(reinterpret_cast<const char*>(start.data()), 6) != kMagic)
    bad("not a .npy file");
  size_t length = start[8] | static_cast<size_t>(start[9]) << 8;
  if (start[6] == 2 || start[6] == 3) {
    in_.read(reinterpret_cast<char*>(start.data()) + 10, 2);
    length |= static_cast<size_t>(start[10]) << 16 | static_cast<size_t>(start[11]) << 24;
  } else if (start[6] != 1) {
    bad("version " + std::to_string(start[6]) + " is unknown");
  }
  if (length > kMostHeader) bad("its header is too long");
  std::string header(length, '\0');
  in_.read(header.data(), static_cast<std::streamsize>(length));
  if (!in_) bad("it ends in its header");
  parse_header(header);
  data_start_ = in_.tellg();
  const uintmax_t size = std::filesystem::file_size(path, no_error);
  if (no_error || size - static_cast<uintmax_t>(data_start_) !=
                      static_cast<uintmax_t>(rows_) * static_cast<uintmax_t>(cols_) * sizeof(float))
    bad("its data are not as long as its shape says");
  row_.resize(static_cast<size_t>(cols_));
}

void NpyReader::parse_header(const std::string& header) {
  static const std::regex descr("'descr'\\s*:\\s*'<f4'"), order("'fortran_order'\\s*:\\s*False");
  static const std::regex shape("'shape'\\s*:\\s*\\(\\s*([0-9]{1,9})\\s*,\\s*([0-9]{1,9})\\s*,?\\s*\\)");
  std::smatch match;
  if (!std::regex_search(header, descr) || !std::regex_search(header, order) ||
      !std::regex_search(header, match, shape))
    bad("not a float32 matrix [positions, vocabulary] in C order");
  rows_ = std::stoll(match[1]);
  cols_ = std::stoll(match[2]);
}

std::span<const float> NpyReader::row(int64_t index) {
  const auto bytes = static_cast<std::streamsize>(row_.size() * sizeof(float));
  if (const std::streamoff at = data_start_ + index * bytes; at != in_.tellg()) in_.seekg(at);
  in_.read(reinterpret_cast<char*>(row_.data()), bytes);
  if (!in_) bad("it ends before its last row");
  return row_;
}

void NpyReader::bad(const std::string& wrong) const {
  fail(ErrorKind::kBadFile, "reading " + path_, wrong);
}

}  // namespace yoke::cli
