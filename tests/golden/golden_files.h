// The goldens of this folder: what docs/goldens.md describes, and how a model is scored against them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/model.h"
#include "engine/perplexity.h"

namespace yoke::test {

inline std::string golden_path(const std::string& name) {
  return std::string(YOKE_TESTS_DIR) + "/golden/" + name;
}

inline nlohmann::json golden_json(const std::string& name) {
  std::ifstream in(golden_path(name));
  return nlohmann::json::parse(in);
}

// The demo model's path, or empty: `make test` fetches it and sets YOKE_DEMO_MODEL.
inline std::string demo_model() {
  const char* path = std::getenv("YOKE_DEMO_MODEL");
  return path ? path : "";
}

// Logits of all positions of the chunks of `tokens`.
inline PerplexityResult score(const ModelOptions& options, std::span<const int32_t> tokens, int32_t ctx,
                              std::function<void(int64_t, std::span<const float>)> on_logits) {
  ModelOptions mine = options;
  mine.context = ctx;
  mine.all_logits = true;
  const std::unique_ptr<Model> model = Model::load(mine);
  PerplexityResult result = perplexity(
      *model, tokens, {.chunk_tokens = ctx, .step_rows = mine.chunk, .on_logits = std::move(on_logits)});
  for (size_t d = 0; d < model->devices().size(); ++d)
    EXPECT_EQ(model->devices()[d]->allocated_bytes(), model->plan().devices[d].total_bytes());
  return result;
}

}  // namespace yoke::test
