// What every command of the program is given, and the list of them.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "output.h"

namespace yoke::cli {

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
// Throws kUsage where none was given.
const std::string& model_path(const std::string& path);
void add_json(CLI::App& app, bool& json);

// CLI11 would take "-1" for the largest of all seeds.
CLI::Option* add_seed(CLI::App& app, uint64_t& seed, const std::string& what);
// "-": stdin. The bytes as they are. Throws kBadFile.
std::string read_text_file(const std::string& path);

}  // namespace yoke::cli
