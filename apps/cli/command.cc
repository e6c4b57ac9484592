#include "command.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/error.h"
#include "interrupt.h"

namespace yoke::cli {

void add_model(CLI::App& app, std::string& path) {
  auto* word = app.add_option("MODEL", path, "GGUF file; of a split model any shard");
  auto* option = app.add_option("-m,--model", path, "the same as MODEL")->type_name("FILE");
  word->excludes(option);
}

const std::string& model_path(const std::string& path) {
  if (path.empty())
    fail(ErrorKind::kUsage, "reading the command line", "no model is given (MODEL or -m MODEL)");
  return path;
}

void add_json(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "one JSON document on stdout, everything else on stderr");
}

CLI::Option* add_seed(CLI::App& app, uint64_t& seed, const std::string& what) {
  const auto number = [](const std::string& text) -> std::string {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) return "";
    return text + " is no seed (0 to 2^64 - 1)";
  };
  return app.add_option("--seed", seed, what)->type_name("N")->check(number);
}

std::string read_text_file(const std::string& path) {
  const std::string doing = "reading " + path;
  std::error_code no_error;
  if (std::filesystem::is_directory(path, no_error)) fail(ErrorKind::kBadFile, doing, "it is a directory");
  std::ifstream file;
  if (path != "-") {
    errno = 0;
    file.open(path, std::ios::binary);
    if (!file) fail(ErrorKind::kBadFile, doing, errno != 0 ? std::strerror(errno) : "it cannot be opened");
  }
  std::istream& in = path == "-" ? std::cin : file;
  try {
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (InterruptGuard::interrupted()) throw Interrupted();
    if (!in.bad()) return text;
  } catch (const std::ios_base::failure&) {
  }
  fail(ErrorKind::kBadFile, doing, errno != 0 ? std::strerror(errno) : "it cannot be read");
}

}  // namespace yoke::cli
