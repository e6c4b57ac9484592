// Writes a model of random weights in the shape of a known one: for benchmarks and tests without a download.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "convert/recipe.h"

namespace yoke {

struct SynthShape {
  std::string_view name;  // "TinyLlama-1.1B"
  std::string_view architecture;
  int64_t hidden;
  int64_t layers;
  int64_t heads;
  int64_t kv_heads;
  int64_t head_dim;
  int64_t feed_forward;
  int64_t vocabulary;
  int64_t context;
  double rope_base;
  bool tied;
  bool head_norms;
  bool qkv_bias;
  std::string_view pre;  // tokenizer.ggml.pre
};
std::span<const SynthShape> synth_shapes();
// Throws kUsage, listing the known ones.
SynthShape synth_shape(std::string_view name);

struct SynthOptions {
  SynthShape shape{};
  QuantizeType type = QuantizeType::parse("Q8_0");
  uint64_t seed = 1;
  int threads = 1;
  std::function<void(uint64_t done, uint64_t total)> progress = {};
};

// Weights are normal with deviation 1/sqrt(row length), so that activations keep their size. The same options
// give the same file at any thread count. Throws kUsage for a shape that cannot be, kRuntime where it cannot
// be written.
void synth_model(const std::string& path, const SynthOptions& options);

}  // namespace yoke
