// What every command of the program is given, and the list of them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace yoke::cli {

using Json = nlohmann::ordered_json;

// A command declares its options on its own subcommand and returns what runs it: 0, or the exit code.
using Runner = std::function<int()>;
struct Command {
  const char* name;
  const char* what;      // one line of `yoke --help`
  const char* examples;  // shown at the end of `yoke COMMAND --help`
  Runner (*declare)(CLI::App& app);
};

Runner declare_run(CLI::App& app);
Runner declare_plan(CLI::App& app);
Runner declare_inspect(CLI::App& app);
Runner declare_tokenize(CLI::App& app);
Runner declare_detokenize(CLI::App& app);
Runner declare_perplexity(CLI::App& app);
Runner declare_bench(CLI::App& app);
Runner declare_quantize(CLI::App& app);
Runner declare_synth(CLI::App& app);
Runner declare_devices(CLI::App& app);
Runner declare_selftest(CLI::App& app);

// MODEL as the first word or with -m.
void add_model(CLI::App& app, std::string& path);
void add_json(CLI::App& app, bool& json);

// One document on stdout.
void print_json(const Json& document);
// "-": stdin. The bytes as they are. Throws kBadFile.
std::string read_text_file(const std::string& path);

// SIGINT sets a flag instead of ending the program; a second one within the same wait ends it with 130.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  static bool interrupted();
  static void reset();
};

// A line on stderr that is overwritten as work goes on; silent where stderr is no terminal.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  void update(uint64_t done, uint64_t total);

 private:
  std::string what_;
  bool terminal_;
  int shown_percent_ = -1;
};

}  // namespace yoke::cli
