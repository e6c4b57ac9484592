// Norms, quantization, rope, gate, add and cache writes: one row as in decode, 512 as in a prompt.
#include "chain.h"

namespace yoke::bench {
namespace {

constexpr int kOps = 64;

using Add = void (*)(Chain& chain, int64_t width);

void quantize(Chain& c, int64_t width) {
  c.op(QuantizeRows{.x = c.value(width), .out = c.value(width, ActFormat::kQ8x32)});
}
void quantize_256(Chain& c, int64_t width) {
  c.op(QuantizeRows{.x = c.value(width), .out = c.value(width, ActFormat::kQ8x256)});
}
void norm(Chain& c, int64_t width) {
  const WeightId w = c.weight(DType::kF32, Layout::kStored, 1, width);
  c.op(RmsNorm{.x = c.value(width), .weight = w, .eps = 1e-5f, .out = c.value(width)});
}
void norm_quantized(Chain& c, int64_t width) {
  const WeightId w = c.weight(DType::kF32, Layout::kStored, 1, width);
  c.op(RmsNorm{.x = c.value(width), .weight = w, .eps = 1e-5f, .out = c.value(width, ActFormat::kQ8x32)});
}
void gated(Chain& c, int64_t width) {
  c.op(GatedMul{.gate = c.value(width), .up = c.value(width), .out = c.value(width)});
}
void add(Chain& c, int64_t width) {
  c.op(yoke::Add{.a = c.value(width), .b = c.value(width), .out = c.value(width)});
}
void rope(Chain& c, int64_t width) {
  c.op(HeadNormRope{.x = c.value(width),
                    .heads = static_cast<int32_t>(width / 64),
                    .head_dim = 64,
                    .rotated = 64,
                    .rope = static_cast<RopeId>(0),
                    .out = c.value(width)});
}
void kv_write(Chain& c, int64_t) {
  c.op(KvWrite{.k = c.value(192), .v = c.value(192), .cache = c.cache(KvType::kF16, 3, 64, 16)});
}

void run(benchmark::State& state, Add add_op, int32_t rows, int64_t width) {
  Chain chain(step_at(1, rows, 512, 32));
  const int ops = rows == 1 ? kOps : 4;
  for (int i = 0; i < ops; ++i) add_op(chain, width);
  measure(state, chain, 4.0 * static_cast<double>(width) * rows, 0);
}

}  // namespace

void register_rows() {
  const struct {
    const char* name;
    Add add;
  } kinds[] = {{"quantize_q8x32", quantize}, {"quantize_q8x256", quantize_256},
               {"rms_norm", norm},           {"rms_norm_q8x32", norm_quantized},
               {"gated_mul", gated},         {"add", add},
               {"head_norm_rope", rope},     {"kv_write_f16", kv_write}};
  for (const auto& kind : kinds) {
    for (const int64_t width : {576, 1536, 2048}) {
      if (kind.add == quantize_256 && width % 256 != 0) continue;
      if (kind.add == kv_write && width != 576) continue;
      for (const int32_t rows : {1, 16, 512}) {
        const std::string label =
            std::string(kind.name) + "/width:" + std::to_string(width) + "/rows:" + std::to_string(rows);
        benchmark::RegisterBenchmark(label.c_str(), [add_op = kind.add, rows,
                                                     width](benchmark::State& state) {
          run(state, add_op, rows, width);
        })->UseRealTime();
      }
    }
  }
}

}  // namespace yoke::bench
