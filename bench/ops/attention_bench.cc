// Attention over the cache: decode rows and prompt rows at depths 512 to 32768.
#include "chain.h"

namespace yoke::bench {
namespace {

struct Shape {
  const char* name;
  int32_t heads, kv_heads, head_dim;
};
constexpr Shape kShapes[] = {{"SmolLM2", 9, 3, 64}, {"TinyLlama", 32, 4, 64}, {"Llama8B", 32, 8, 128}};

void attention(benchmark::State& state, const Shape& s, KvType kv, int32_t sequences, int32_t rows,
               int32_t depth) {
  Chain chain(step_at(sequences, rows, depth, 0));
  const int32_t blocks = sequences * ((depth + 31) / 32);
  const double bytes = static_cast<double>(kv_block_bytes(kv, s.kv_heads, s.head_dim)) * blocks;
  // Caches of several layers, so that no layer finds its cache in the CPU's.
  const int layers = static_cast<int>(std::clamp(2e8 / bytes, 2.0, 30.0));
  const ValueId q = chain.value(int64_t{s.heads} * s.head_dim);
  for (int layer = 0; layer < layers; ++layer) {
    chain.op(Attention{.q = q,
                       .cache = chain.cache(kv, s.kv_heads, s.head_dim, blocks),
                       .heads = s.heads,
                       .scale = 0.125f,
                       .window = 0,
                       .out = chain.value(int64_t{s.heads} * s.head_dim)});
  }
  // Scores and outputs, a multiply and an add each; a prompt's rows see depth - rows / 2 on average.
  const double seen = depth - (rows - 1) / 2.0;
  measure(state, chain, bytes, 4.0 * s.heads * s.head_dim * seen * rows * sequences);
}

}  // namespace

void register_attention() {
  for (const Shape& s : kShapes) {
    for (const KvType kv : {KvType::kF16, KvType::kQ8_0, KvType::kF32}) {
      for (const int32_t depth : {64, 512, 4096, 32768}) {
        if (kv != KvType::kF16 && depth != 4096) continue;
        const auto add = [&](int32_t sequences, int32_t rows) {
          const std::string label = std::string("attention/") + s.name + "/" + std::string(name(kv)) +
                                    "/depth:" + std::to_string(depth) +
                                    "/sequences:" + std::to_string(sequences) +
                                    "/rows:" + std::to_string(rows);
          benchmark::RegisterBenchmark(label.c_str(), [=](benchmark::State& state) {
            attention(state, s, kv, sequences, rows, depth);
          })->UseRealTime();
        };
        add(1, 1);
        if (depth == 512 || depth == 4096) add(16, 1);
        if (depth >= 512) add(1, 512);
      }
    }
  }
}

}  // namespace yoke::bench
