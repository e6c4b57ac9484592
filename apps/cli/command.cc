#include "command.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/error.h"

namespace yoke::cli {
namespace {

volatile sig_atomic_t interrupts = 0;

void on_interrupt(int) {
  interrupts = interrupts + 1;
  if (interrupts > 1) _exit(130);
}

struct sigaction previous_action;

}  // namespace

void add_model(CLI::App& app, std::string& path) {
  auto* word = app.add_option("MODEL", path, "GGUF file; of a split model any shard");
  auto* option = app.add_option("-m,--model", path, "the same as MODEL");
  word->excludes(option);
}

void add_json(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "one JSON document on stdout, everything else on stderr");
}

void print_json(const Json& document) {
  std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << std::endl;
  if (!std::cout) fail(ErrorKind::kRuntime, "writing the answer", "standard output does not take it");
}

std::string read_text_file(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad())
    fail(ErrorKind::kBadFile, "reading " + path, errno != 0 ? std::strerror(errno) : "it cannot be read");
  return text;
}

InterruptGuard::InterruptGuard() {
  interrupts = 0;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, &previous_action);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &previous_action, nullptr);
}

bool InterruptGuard::interrupted() {
  return interrupts > 0;
}

void InterruptGuard::reset() {
  interrupts = 0;
}

Progress::Progress(std::string what) : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_percent_ >= 0) std::fputs("\r\033[K", stderr);
}

void Progress::update(uint64_t done, uint64_t total) {
  if (!terminal_ || total == 0) return;
  const int percent = static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total));
  if (percent == shown_percent_) return;
  shown_percent_ = percent;
  std::fprintf(stderr, "\r\033[K%s %d %%", what_.c_str(), percent);
  std::fflush(stderr);
}

}  // namespace yoke::cli
