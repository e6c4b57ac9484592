// Matrix products of every format at 1 to 512 rows; weights rotate over more than the caches hold.
#include "chain.h"
#include "tensor/layout.h"

namespace yoke::bench {
namespace {

void linear(benchmark::State& state, DType type, int32_t rows, int64_t n, int64_t k) {
  Chain chain(step_at(1, rows, 512, 0));
  const double bytes = static_cast<double>(layout_bytes(type, Layout::kPanel16, n, k));
  const int matrices = rows > 64 ? 2 : static_cast<int>(std::clamp(3e8 / bytes, 2.0, 60.0));
  const ValueId x = chain.value(k, traits(type).act);
  const ValueId out = chain.value(n);
  for (int i = 0; i < matrices; ++i) {
    chain.op(Linear{.x = x, .weight = chain.weight(type, Layout::kPanel16, n, k), .out = out});
  }
  measure(state, chain, bytes, 2.0 * static_cast<double>(n) * static_cast<double>(k) * rows);
}

}  // namespace

void register_linear() {
  for (const DTypeTraits& t : all_dtypes()) {
    for (const int32_t rows : {1, 2, 4, 8, 16, 64, 512}) {
      const std::string label =
          "linear/" + std::string(t.name) + "/n:5632/k:2048/rows:" + std::to_string(rows);
      benchmark::RegisterBenchmark(label.c_str(), [type = t.type, rows](benchmark::State& state) {
        linear(state, type, rows, 5632, 2048);
      })->UseRealTime();
    }
  }
}

}  // namespace yoke::bench
