// Each op's pipelines, arguments and grid. The structs below are the shaders' push constants, field by field.
#include <algorithm>

#include "base/error.h"
#include "devices/vulkan/recorder.h"

namespace yoke::vulkan {
namespace {

uint32_t u32(int64_t n) {
  return static_cast<uint32_t>(n);
}

uint32_t ceil_div(int64_t n, int64_t by) {
  return u32((n + by - 1) / by);
}

// How shaders name an activation format.
uint32_t shader_format(ActFormat format) {
  switch (format) {
    case ActFormat::kF32:
      return 0;
    case ActFormat::kBF16:
      return 16;
    case ActFormat::kQ8x32:
      return 32;
    case ActFormat::kQ8x256:
      return 256;
  }
  return 0;
}

// One of the kernels that make a product, and the numbers of rows it is for: the step's rows choose, and the
// others are dispatched with no workgroups.
struct ProductVariant {
  uint32_t tile;        // rows of the result per invocation
  uint32_t local_size;  // invocations in a workgroup; a panel takes 16
  bool split;           // the workgroup's invocations share k
  int32_t min_rows, max_rows;
};

std::vector<ProductVariant> product_variants(bool gpu, ActFormat format) {
  // A processor's subgroup takes one panel or half of one.
  if (!gpu) return {{1, 16, false, 1, 1}, {4, 16, false, 2, INT32_MAX}};
  if (!has_blocks(format)) return {{1, 64, false, 1, 1}, {4, 64, false, 2, INT32_MAX}};
  return {{1, 128, true, 1, 8}, {8, 64, false, 9, INT32_MAX}};
}

std::string kv_suffix(KvType type) {
  return std::string(name(type));
}

}  // namespace

void Recorder::record(const Embed& op) {
  const BoundWeight& table = weight(op.table);
  const bool panel16 = table.layout == Layout::kPanel16;
  const struct {
    uint64_t table, tokens, result;
    uint32_t width, panel16, table_bytes, result_row_bytes;
  } push{address(op.table),
         p_.step.tokens(),
         address(op.out),
         u32(table.cols),
         panel16,
         u32(static_cast<int64_t>(panel16 ? panel_bytes(table.type, table.cols)
                                          : stored_bytes(table.type, 1, table.cols))),
         row_bytes(op.out)};
  const Pipeline& pipeline = p_.pipelines.get("embed_" + shader_suffix(table.type));
  dispatch(pipeline, {.rows = value(op.out).rows, .columns = ceil_div(table.cols, 64)}, push);
  kernels_.push_back(pipeline.shader + " " + std::string(name(table.layout)));
}

void Recorder::record(const RmsNorm& op) {
  const ProgramValue& out = value(op.out);
  const ActLayout layout = act_layout(out.format, out.width);
  const struct {
    uint64_t x, weight, result;
    float eps, inverse_width;
    uint32_t width, format, x_row_bytes, result_row_bytes, scale_offset, sums_offset, sums32_offset;
  } push{address(op.x),
         address(op.weight),
         address(op.out),
         op.eps,
         1.0f / static_cast<float>(out.width),
         u32(out.width),
         shader_format(out.format),
         row_bytes(op.x),
         row_bytes(op.out),
         u32(layout.scale_offset),
         u32(layout.sums_offset),
         u32(layout.sums32_offset)};
  dispatch(p_.pipelines.get("rms_norm"), {.rows = out.rows}, push);
  kernels_.push_back("rms_norm " + std::string(name(out.format)));
}

void Recorder::record(const QuantizeRows& op) {
  const ProgramValue& out = value(op.out);
  const ActLayout layout = act_layout(out.format, out.width);
  const struct {
    uint64_t x, result;
    uint32_t k, format, x_row_bytes, result_row_bytes, scale_offset, sums_offset, sums32_offset;
  } push{address(op.x),
         address(op.out),
         u32(out.width),
         shader_format(out.format),
         row_bytes(op.x),
         row_bytes(op.out),
         u32(layout.scale_offset),
         u32(layout.sums_offset),
         u32(layout.sums32_offset)};
  dispatch(p_.pipelines.get("quantize_rows"), {.rows = out.rows, .columns = ceil_div(out.width, 256)}, push);
  kernels_.push_back("quantize_rows " + std::string(name(out.format)));
}

void Recorder::product(const Linear& op, WeightId up) {
  const BoundWeight& w = weight(op.weight);
  const ProgramValue& x = value(op.x);
  const ProgramValue& out = value(op.out);
  if (w.layout != Layout::kPanel16 || x.format != traits(w.type).act) {
    fail(ErrorKind::kRuntime, "compiling a segment for Vulkan", "a product wants panels and quantized rows");
  }
  const ActLayout layout = act_layout(x.format, w.cols);
  const struct {
    uint64_t x, w, up, bias, add, result, count;
    uint32_t k, n, x_row_bytes, x_scale_offset, x_sums_offset, x_sums32_offset, panel_bytes, add_row_bytes,
        result_row_bytes;
  } push{address(op.x),
         address(op.weight),
         address(up),
         address(op.bias),
         given(op.add) ? address(op.add) : 0,
         address(op.out),
         p_.step.count(out.rows),
         u32(w.cols),
         u32(w.rows),
         row_bytes(op.x),
         u32(layout.scale_offset),
         u32(layout.sums_offset),
         u32(layout.sums32_offset),
         u32(static_cast<int64_t>(panel_bytes(w.type, w.cols))),
         given(op.add) ? row_bytes(op.add) : 0,
         row_bytes(op.out)};
  const bool dot = p_.context.use_integer_dot() && has_blocks(x.format);
  const std::string format = shader_suffix(w.type);
  std::string kernel = "linear_" + format + " " + std::string(name(w.layout));
  for (const ProductVariant& v : product_variants(p_.context.gpu_kernels(), x.format)) {
    if (v.min_rows > max_rows(out.rows)) continue;
    const std::string variant = v.split ? "split" : "x" + std::to_string(v.tile);
    const std::string shader = v.split ? "linear_split_" + format : "linear_" + format + "_" + variant;
    const Grid grid{.rows = out.rows,
                    .tile = v.tile,
                    .columns = ceil_div(w.rows, v.split ? kPanelRows : v.local_size),
                    .min_rows = v.min_rows,
                    .max_rows = v.max_rows};
    dispatch(p_.pipelines.get(dot ? shader + "_dot" : shader, v.local_size), grid, push);
    kernel += " " + variant;
  }
  kernels_.push_back(dot ? kernel + " dot4" : kernel);
}

void Recorder::record(const Linear& op) {
  product(op, WeightId::kNone);
}

void Recorder::record(const GatedLinear& op) {
  const BoundWeight& gate = weight(op.gate);
  const BoundWeight& up = weight(op.up);
  if (gate.type != up.type || gate.layout != up.layout || gate.rows != up.rows || gate.cols != up.cols) {
    fail(ErrorKind::kRuntime, "compiling a segment for Vulkan", "a gated product's two weights differ");
  }
  product({.x = op.x, .weight = op.gate, .out = op.out}, op.up);
  kernels_.back() += " gated";
}

void Recorder::elementwise(const std::string& shader, ValueId a, uint64_t b, ValueId out) {
  const uint32_t quads = row_bytes(out) / 16;
  if (row_bytes(a) != row_bytes(out)) {
    fail(ErrorKind::kRuntime, "compiling a segment for Vulkan", shader + " of rows of different sizes");
  }
  const struct {
    uint64_t a, b, result;
    uint32_t row_quads;
  } push{address(a), b, address(out), quads};
  dispatch(p_.pipelines.get(shader), {.rows = value(out).rows, .columns = ceil_div(quads, 64)}, push);
  kernels_.push_back(shader);
}

void Recorder::record(const GatedMul& op) {
  elementwise("gated_mul", op.gate, address(op.up), op.out);
}

void Recorder::record(const Add& op) {
  elementwise("add", op.a, address(op.b), op.out);
}

void Recorder::record(const WantedRows& op) {
  elementwise("wanted_rows", op.x, p_.step.wanted_rows(), op.out);
}

void Recorder::record(const Copy& op) {
  elementwise("copy", op.x, 0, op.out);
}

void Recorder::record(const HeadNormRope& op) {
  const struct {
    uint64_t x, weight, rope, result;
    float eps, inverse_head_dim;
    uint32_t head_dim, rotated, halves, x_row_bytes, result_row_bytes;
  } push{address(op.x),
         address(op.weight),
         op.rope == RopeId::kNone ? 0 : p_.step.rope(op.rope),
         address(op.out),
         op.eps,
         1.0f / static_cast<float>(op.head_dim),
         u32(op.head_dim),
         op.rope == RopeId::kNone ? 0 : u32(op.rotated),
         op.pairs == RopePairs::kHalves,
         row_bytes(op.x),
         row_bytes(op.out)};
  dispatch(p_.pipelines.get("head_norm_rope"), {.rows = value(op.out).rows, .columns = u32(op.heads)}, push);
  kernels_.push_back("head_norm_rope");
}

void Recorder::record(const KvWrite& op) {
  const BoundCache& c = cache(op.cache);
  const struct {
    uint64_t k, v, cache, positions, sequences, block_tables, table_stride;
    uint32_t kv_heads, head_dim, k_row_bytes, v_row_bytes;
  } push{address(op.k),       address(op.v),          address(op.cache),      p_.step.positions(),
         p_.step.sequences(), p_.step.block_tables(), p_.step.table_stride(), u32(c.kv_heads),
         u32(c.head_dim),     row_bytes(op.k),        row_bytes(op.v)};
  const int64_t elements = int64_t{c.kv_heads} * c.head_dim;
  const int64_t items = c.type == KvType::kQ8_0 ? elements / 32 : elements;
  const Pipeline& pipeline = p_.pipelines.get("kv_write_" + kv_suffix(c.type));
  dispatch(pipeline, {.columns = ceil_div(items, 64)}, push);
  kernels_.push_back(pipeline.shader);
}

void Recorder::record(const Attention& op) {
  const BoundCache& c = cache(op.cache);
  const struct {
    uint64_t q, cache, result, positions, sequences, block_tables, table_stride;
    float scale;
    uint32_t heads, kv_heads, head_dim, window, q_row_bytes, result_row_bytes;
  } push{address(op.q),       address(op.cache),      address(op.out),        p_.step.positions(),
         p_.step.sequences(), p_.step.block_tables(), p_.step.table_stride(), op.scale,
         u32(op.heads),       u32(c.kv_heads),        u32(c.head_dim),        u32(op.window),
         row_bytes(op.q),     row_bytes(op.out)};
  // Heads of one group share the reading of keys and values; a GPU with few rows divides heads and tiles
  // instead.
  const int32_t group = op.heads / c.kv_heads;
  int32_t shared = 1;
  for (const int32_t n : {2, 3, 4}) shared = group % n == 0 ? n : shared;
  struct Variant {
    int32_t heads;
    const char* suffix;
    int32_t min_rows, max_rows;
  };
  const int32_t few = p_.context.gpu_kernels() ? 7 : 0;
  std::string kernel;
  for (const Variant& v : {Variant{1, "_g4", 1, few}, Variant{shared, "", few + 1, INT32_MAX}}) {
    if (v.max_rows == 0 || v.min_rows > max_rows(RowKind::kRows)) continue;
    const Pipeline& pipeline =
        p_.pipelines.get("attention_" + kv_suffix(c.type) + "_h" + std::to_string(v.heads) + v.suffix);
    dispatch(pipeline, {.columns = u32(op.heads / v.heads), .min_rows = v.min_rows, .max_rows = v.max_rows},
             push);
    kernel += (kernel.empty() ? "" : " ") + pipeline.shader;
  }
  kernels_.push_back(kernel);
}

}  // namespace yoke::vulkan
