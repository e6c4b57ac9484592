// The options shared by all commands that run a model (docs/cli.md).
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "engine/model.h"

namespace yoke::cli {

struct ModelArguments {
  ModelOptions options;
  std::string gpu_memory;
  std::string kv_type = "f16";

  // The options as typed, checked. Throws kUsage.
  ModelOptions parsed() const;
};

// default_context: how `--help` tells the default of --ctx.
void add_model_options(CLI::App& app, ModelArguments& arguments,
                       const std::string& default_context = "4096, or the trained length if that is shorter");

}  // namespace yoke::cli
