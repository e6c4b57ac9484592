// Small models of random weights, and their logits under any options: for tests of whole steps.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "convert/synth.h"
#include "engine/model.h"
#include "engine/open_devices.h"
#include "engine/perplexity.h"
#include "sampling/random.h"
#include "support/need_vulkan.h"
#include "support/temp_folder.h"

namespace yoke::testing {

// Written once per test program, into a folder of its own.
inline std::string small_model(const std::string& type, const std::string& like = "SmolLM2-135M") {
  static test::TempFolder folder;
  const std::string path = folder / (like + "." + type + ".gguf");
  if (std::ifstream(path).good()) return path;
  SynthOptions options;
  options.shape = synth_shape(like);
  options.shape.hidden = 256;
  options.shape.layers = 4;
  options.shape.heads = 4;
  options.shape.kv_heads = 2;
  options.shape.head_dim = 64;
  options.shape.feed_forward = 512;
  options.shape.vocabulary = 320;
  options.shape.context = 1024;
  options.type = QuantizeType::parse(type);
  synth_model(path, options);
  return path;
}

inline bool has_device(const std::string& name) {
  return std::ranges::any_of(available_devices(), [&](const DeviceInfo& d) { return d.name == name; });
}

inline std::vector<int32_t> random_tokens(int32_t count, uint64_t seed = 5) {
  Random random(seed);
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(random.next() % 320));
  return tokens;
}

struct Scored {
  std::vector<float> logits;  // of all positions
  uint64_t handoffs = 0;
  int32_t planned_handoffs = 0;
};

// Two chunks of `context` tokens, all logits.
inline Scored score(ModelOptions options, int32_t context = 96, int32_t parallel = 1) {
  options.context = context;
  options.sequences = parallel;
  options.all_logits = true;
  const auto model = Model::load(options);
  Scored result;
  perplexity(*model, random_tokens(2 * context),
             {.chunk_tokens = context,
              .parallel = parallel,
              .step_rows = options.chunk,
              .on_logits = [&](int64_t position, std::span<const float> row) {
                result.logits.resize(std::max(result.logits.size(), (position + 1) * row.size()));
                std::ranges::copy(row, result.logits.begin() + position * static_cast<int64_t>(row.size()));
              }});
  for (size_t d = 0; d < model->devices().size(); ++d) {
    const PlanDevice& planned = model->plan().devices[d];
    EXPECT_EQ(model->devices()[d]->allocated_bytes(), planned.total_bytes()) << planned.name;
  }
  result.handoffs = model->executor().handoffs();
  result.planned_handoffs = model->plan().program.handoffs;
  return result;
}

inline ModelOptions on(const std::string& path, const std::string& devices,
                       const std::string& gpu_layers = "0") {
  ModelOptions options;
  options.path = path;
  options.devices = devices;
  options.gpu_layers = gpu_layers;
  options.threads = 2;
  options.chunk = 32;
  return options;
}

}  // namespace yoke::testing
