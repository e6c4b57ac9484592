// Damaged models of every architecture, loaded and run: the quick suite takes a few, the slow one thousands.
#pragma once

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "fuzz/gguf_mutator.h"
#include "fuzz/gguf_seeds.h"
#include "fuzz/model_walk.h"
#include "support/temp_folder.h"

namespace yoke::test {

inline constexpr double kMostSecondsOfOneFile = 20;  // of CPU time, with sanitizers on

inline std::vector<GgufSeed> model_seeds() {
  const std::string chat =
      "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{{ messages[0].content | trim }}"
      "{% else %}{% set rest = messages %}{% endif %}{% for m in rest %}{{ '<|im_start|>' + m['role'] + "
      "'\\n' "
      "+ m['content'] | upper + '<|im_end|>' }}{% if loop.last and add_generation_prompt %}"
      "{{ '<|im_start|>assistant\\n' }}{% endif %}{% endfor %}";
  std::vector<GgufSeed> seeds = {gguf_seeds()[0]};
  for (const char* name : {"llama", "llama_rope_llama3", "qwen2", "qwen3", "llama_wide_q4_k"}) {
    const std::string path = std::string(YOKE_TESTS_DIR) + "/golden/tiny/" + name + ".gguf";
    seeds.push_back({name, with_chat_template(read_bytes(path), chat)});
  }
  return seeds;
}

// `count` files made from each seed. Failures name the file so that it can be made again.
inline ModelOutcomes run_mutations(const GgufSeed& seed, uint64_t first, uint64_t count) {
  ModelOutcomes outcomes;
  for (uint64_t i = first; i < first + count; ++i) {
    GgufMutator mutator(i);
    const std::vector<std::byte> file = mutator.mutate(seed.bytes);
    try {
      try_model(file, outcomes);
    } catch (const std::exception& e) {
      ADD_FAILURE() << seed.name << ", mutation " << i << " (" << mutator.history() << "): " << e.what();
    }
  }
  EXPECT_LT(outcomes.most_seconds, kMostSecondsOfOneFile) << seed.name;
  return outcomes;
}

// All seeds; the mutations have to reach every end of the way, or they test nothing.
inline void expect_no_surprise(uint64_t count_per_seed) {
  std::map<std::string, int64_t> reasons;
  for (const GgufSeed& seed : model_seeds()) {
    const ModelOutcomes o = run_mutations(seed, 1, count_per_seed);
    std::cout << seed.name << ": " << o.ran << " ran, " << o.rendered << " of them rendered a chat, "
              << o.does_not_fit << " do not fit, " << o.rejected << " rejected; at most " << o.most_seconds
              << " s\n";
    EXPECT_GT(o.ran, static_cast<int64_t>(count_per_seed / 20)) << seed.name;
    EXPECT_GT(o.rendered, 0) << seed.name;
    EXPECT_GT(o.rejected, static_cast<int64_t>(count_per_seed / 4)) << seed.name;
    for (const auto& [reason, count] : o.reasons) reasons[reason] += count;
  }
  std::cout << reasons.size() << " different reasons\n";
  EXPECT_GE(reasons.size(), 25u);
}

}  // namespace yoke::test
