// Parts of the results that several commands print.
#pragma once

#include <span>
#include <string>

#include "command.h"
#include "engine/model.h"

namespace yoke::cli {

// XXH64, seed 0, 16 hex digits, of a logits row as little-endian float32.
std::string logits_hash(std::span<const float> logits);
// The placement object of docs/cli.md with what was really allocated.
Json placement_json(const Model& model);

}  // namespace yoke::cli
