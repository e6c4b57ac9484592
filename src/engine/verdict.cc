#include "engine/verdict.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/cache_folder.h"
#include "gguf/atomic_file.h"
#include "gguf/printable.h"

namespace yoke {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostBytes = 64 << 10;  // of a file; real ones have a tenth of that
constexpr size_t kMostName = 40;

// A file is lines: the title, for which kernels, how thorough, a line for each pair, the hash of all before.
constexpr std::string_view kTitle = "yoke self-test 1";
constexpr std::string_view kPassed = "passed";
constexpr std::string_view kRefused = "refused";

std::string hash_of(std::string_view text) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(XXH64(text.data(), text.size(), 0)));
  return digits;
}

std::string subject(const std::string& kernels_id) {
  return "yoke " YOKE_VERSION ", " + printable(kernels_id, 2048);
}

std::string path_for(const std::string& kernels_id) {
  const std::string folder = user_cache_folder();
  return folder.empty() ? "" : folder + "/selftest-" + hash_of(subject(kernels_id)) + ".txt";
}

// The whole file, or nothing where it is none or too large.
std::string contents(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return "";
  std::ifstream in(path, std::ios::binary);
  std::string text(kMostBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  return text.size() > kMostBytes ? "" : text;
}

// Takes a line off the front; false at the end.
bool next_line(std::string_view& text, std::string_view& line) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

// Names go into messages: the letters that pairs are made of, and no others.
bool plain(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == ' ';
  };
  return !text.empty() && text.size() <= kMostName && std::ranges::all_of(text, letter);
}

// "refused\tlinear\tq4_k panel16"
bool read_pair(std::string_view line, Verdict& verdict) {
  const size_t first = line.find('\t');
  const size_t second = line.find('\t', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return false;
  const std::string_view state = line.substr(0, first);
  const std::string_view op = line.substr(first + 1, second - first - 1), format = line.substr(second + 1);
  if (!plain(op) || !plain(format) || (state != kPassed && state != kRefused)) return false;
  (state == kPassed ? verdict.passed : verdict.refused).push_back({std::string(op), std::string(format)});
  return true;
}

std::string written(const std::string& kernels_id, const Verdict& verdict) {
  std::string text = std::string(kTitle) + "\n" + subject(kernels_id) + "\n";
  text += verdict.thorough ? "thorough\n" : "quick\n";
  const auto add = [&](std::string_view state, const std::vector<OpFormat>& pairs) {
    for (const OpFormat& p : pairs) text += std::string(state) + "\t" + p.op + "\t" + p.format + "\n";
  };
  add(kPassed, verdict.passed);
  add(kRefused, verdict.refused);
  return text + hash_of(text) + "\n";
}

}  // namespace

std::optional<Verdict> load_verdict(const std::string& kernels_id) {
  const std::string path = path_for(kernels_id);
  if (path.empty()) return std::nullopt;
  const std::string whole = contents(path);
  constexpr size_t kHashLine = 17;
  if (whole.size() < kHashLine) return std::nullopt;
  std::string_view text = std::string_view(whole).substr(0, whole.size() - kHashLine);
  if (whole.substr(text.size()) != hash_of(text) + "\n") return std::nullopt;
  std::string_view title, about, how, line;
  if (!next_line(text, title) || !next_line(text, about) || !next_line(text, how)) return std::nullopt;
  if (title != kTitle || about != subject(kernels_id) || (how != "thorough" && how != "quick"))
    return std::nullopt;
  Verdict verdict;
  verdict.thorough = how == "thorough";
  while (next_line(text, line)) {
    if (!read_pair(line, verdict)) return std::nullopt;
  }
  return text.empty() ? std::optional(std::move(verdict)) : std::nullopt;
}

std::optional<std::string> save_verdict(const std::string& kernels_id, Verdict verdict) {
  const std::string path = path_for(kernels_id);
  if (path.empty()) return "neither XDG_CACHE_HOME nor HOME names a folder";
  const std::optional<Verdict> earlier = load_verdict(kernels_id);
  if (earlier && earlier->thorough && !verdict.thorough) {
    verdict.thorough = true;
    for (const OpFormat& pair : earlier->refused) {
      if (std::ranges::find(verdict.refused, pair) == verdict.refused.end()) verdict.refused.push_back(pair);
      std::erase(verdict.passed, pair);
    }
  }
  const std::string text = written(kernels_id, verdict);
  try {
    fs::create_directories(fs::path(path).parent_path());
    AtomicFile file(path, text.size());
    file.write(std::as_bytes(std::span(text)));
    file.commit();
  } catch (const std::exception& e) {
    return e.what();
  }
  return std::nullopt;
}

}  // namespace yoke
