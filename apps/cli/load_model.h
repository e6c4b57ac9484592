// Loads a model for a command: progress and notes on stderr, what the command wants to check before weights
// are read.
#pragma once

#include <functional>
#include <memory>

#include "engine/model.h"

namespace yoke::cli {

// check: told the plan and the tokenizer before any weight is read; what it throws ends the load.
using LoadCheck = std::function<void(const PlannedModel&, const Tokenizer&)>;
std::unique_ptr<Model> load_model(ModelOptions options, const LoadCheck& check = {});

}  // namespace yoke::cli
