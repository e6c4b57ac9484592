#include "devices/cpu/kernel_check.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "tensor/layout.h"
#include "tensor/quantize.h"

namespace yoke::cpu {
namespace {

constexpr int32_t kRows = 7;  // of the ops that work row by row
constexpr int64_t kMostK = 512;
constexpr int32_t kHeadDim = 64;
constexpr int32_t kKvHeads = 2;
constexpr int32_t kPositions = 70;  // three cache blocks, the last one partly filled
constexpr int32_t kQueries = 20;    // so many that a tile is widened to floats for all of them

struct alignas(64) Line {
  std::byte bytes[64];
};

// Memory aligned as the device's own, zeroed.
class Memory {
 public:
  explicit Memory(int64_t bytes) : lines_(static_cast<size_t>((bytes + 63) / 64)) {}
  std::byte* data() { return lines_.data()->bytes; }
  template <class T>
  T* as(int64_t byte_offset = 0) {
    return reinterpret_cast<T*>(data() + byte_offset);
  }
  bool operator==(const Memory& other) const {
    return std::memcmp(lines_.data(), other.lines_.data(), lines_.size() * sizeof(Line)) == 0;
  }

 private:
  std::vector<Line> lines_;
};

// Ordinary numbers of both signs; with outliers, zeros and tiny ones too.
class Numbers {
 public:
  float ordinary() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<float>(static_cast<int32_t>(state_) >> 8) * 0x1p-22f;
  }
  float any(int64_t i) {
    const float x = ordinary();
    if (i % 16 == 5) return x * 1000.0f;
    if (i % 16 == 9) return i % 32 == 9 ? 0.0f : -0.0f;
    if (i % 64 == 33) return x * 0x1p-60f;
    return x;
  }

 private:
  uint32_t state_ = 1;
};

QuantizedRow row_at(std::byte* row, const ActLayout& layout) {
  return {reinterpret_cast<int8_t*>(row), reinterpret_cast<float*>(row + layout.scale_offset),
          row + layout.sums_offset, reinterpret_cast<int16_t*>(row + layout.sums32_offset)};
}

int64_t k_of(const DTypeTraits& t) {
  return t.block == 1 ? 291 : t.block == 32 ? 288 : 512;
}

void quantize_into(const OpKernels& k, ActFormat format, const float* x, int64_t n, std::byte* row) {
  const ActLayout layout = act_layout(format, n);
  if (format == ActFormat::kF32) {
    std::memcpy(row, x, static_cast<size_t>(n) * 4);
  } else if (format == ActFormat::kBF16) {
    k.round_bf16(x, n, reinterpret_cast<uint16_t*>(row));
  } else if (format == ActFormat::kQ8x32) {
    k.quantize_q8x32(x, n, row_at(row, layout));
  } else {
    k.quantize_q8x256(x, n, row_at(row, layout));
  }
}

}  // namespace

struct KernelChecks::Inputs {
  Memory x{kMostCheckRows * kMostK * 4};                // float [rows][kMostK]
  Memory w{4 * kMostK * 4};                             // float [4][kMostK], rows of every weight
  Memory kv{kPositions * 2 * kKvHeads * kHeadDim * 4};  // float [positions][k, v][heads][dim]
  Memory scratch{kLinearScratchBytes};

  Inputs() {
    Numbers numbers;
    for (int64_t i = 0; i < kMostCheckRows * kMostK; ++i) x.as<float>()[i] = numbers.any(i);
    // A row whose codes are all at one end or the other, and one of zeros.
    for (int64_t i = 0; i < kMostK; ++i) {
      x.as<float>()[2 * kMostK + i] = numbers.ordinary() < 0.0f ? -1.0f : 1.0f;
      x.as<float>()[3 * kMostK + i] = 0.0f;
    }
    for (int64_t i = 0; i < 3 * kMostK; ++i) w.as<float>()[i] = numbers.ordinary();
    for (int64_t i = 3 * kMostK; i < 4 * kMostK; ++i) {
      w.as<float>()[i] = numbers.ordinary() < 0.0f ? -1.0f : 1.0f;
    }
    for (int64_t i = 0; i < kPositions * 2 * kKvHeads * kHeadDim; ++i) {
      kv.as<float>()[i] = numbers.ordinary();
    }
  }
};

namespace {

// One format's operands: packed panels and activations.
struct Product {
  const DTypeTraits& type;
  CheckSize size;
  int64_t panel_count;
  int64_t k;
  ActLayout layout;
  Memory panels;
  Memory x;

  Product(size_t format, const CheckSize& check_size, float* floats, float* weights)
      : type(all_dtypes()[format]),
        size(check_size),
        panel_count((size.columns + kPanelRows - 1) / kPanelRows),
        k(k_of(type)),
        layout(act_layout(type.act, k)),
        panels(static_cast<int64_t>(layout_bytes(type.type, Layout::kPanel16, size.columns, k))),
        x(size.rows * layout.row_bytes) {
    const uint64_t row_bytes = stored_bytes(type.type, 1, k);
    std::vector<std::byte> stored(row_bytes * static_cast<uint64_t>(size.columns));
    for (int64_t row = 0; row < 4; ++row) {
      quantize(type.type, weights + row * kMostK, k, stored.data() + static_cast<uint64_t>(row) * row_bytes);
    }
    for (uint64_t row = 4; row < static_cast<uint64_t>(size.columns); ++row) {
      std::memcpy(stored.data() + row * row_bytes, stored.data() + row * 5 % 4 * row_bytes, row_bytes);
    }
    pack_panels(type.type, size.columns, k, stored.data(), 0, panel_count, panels.data());
    for (int64_t row = 0; row < size.rows; ++row) {
      quantize_into(*ops_portable(), type.act, floats + row * kMostK, k, x.data() + row * layout.row_bytes);
    }
  }

  // All rows with bias and addend, then few and one alone, which kernels treat in other ways.
  Memory run(LinearFn kernel, float* floats, std::byte* scratch) {
    const int64_t out_row =
        panel_count * kPanelRows;  // floats; what lies past the last column must stay as it was
    Memory out((size.rows + 8) * out_row * 4);
    LinearArgs a{};
    a.x = x.data();
    a.x_row_bytes = layout.row_bytes;
    a.x_scale_offset = layout.scale_offset;
    a.x_sums_offset = layout.sums_offset;
    a.x_sums32_offset = layout.sums32_offset;
    a.rows = size.rows;
    a.w = panels.data();
    a.panel_bytes = static_cast<int64_t>(panel_bytes(type.type, k));
    a.k = k;
    a.n = size.columns;
    a.panel_begin = 0;
    a.panel_end = panel_count;
    a.bias = floats;
    a.add = floats + kMostK;
    a.add_row_bytes = size.columns * 4;
    a.out = out.as<float>();
    a.out_row_bytes = out_row * 4;
    a.scratch = scratch;
    kernel(a);
    a.bias = a.add = nullptr;
    a.out = out.as<float>(size.rows * out_row * 4);
    for (const int32_t few : {6, 1}) {
      a.rows = few;
      kernel(a);
      a.out += few * out_row;
    }
    return out;
  }
};

Memory run_quantize(const OpKernels& k, float* x) {
  const ActLayout by32 = act_layout(ActFormat::kQ8x32, 96), by256 = act_layout(ActFormat::kQ8x256, kMostK);
  const ActLayout rounded = act_layout(ActFormat::kBF16, 291);
  Memory out(kRows * (by32.row_bytes + by256.row_bytes + rounded.row_bytes));
  std::byte* at = out.data();
  for (int64_t row = 0; row < kRows; ++row) {
    quantize_into(k, ActFormat::kQ8x32, x + row * kMostK, 96, at);
    quantize_into(k, ActFormat::kQ8x256, x + row * kMostK, kMostK, at + by32.row_bytes);
    at += by32.row_bytes + by256.row_bytes;
    quantize_into(k, ActFormat::kBF16, x + row * kMostK, rounded.k, at);
    at += rounded.row_bytes;
  }
  return out;
}

Memory run_norm(const OpKernels& k, float* x, float* w) {
  Memory out(kRows * 1024);
  for (int32_t row = 0; row < kRows; ++row) {
    const int64_t n = 64 + 17 * row;  // remainders of vectors and of the 64 partial sums
    float* const to = out.as<float>(row * 1024);
    to[255] = k.rms_factor(x + row * kMostK, n, 1.0f / static_cast<float>(n), 1e-5f);
    k.scale_rows(x + row * kMostK, to[255], w, n, to);
  }
  return out;
}

Memory run_rope(const OpKernels& k, float* x, float* w) {
  Memory out(4 * 2 * kHeadDim * 4);
  for (int variant = 0; variant < 4; ++variant) {
    RopeArgs a{};
    a.x = x;
    a.out = out.as<float>(variant * 2 * kHeadDim * 4);
    a.norm = variant < 2 ? w : nullptr;
    a.cos_sin = w + kMostK;
    a.eps = 1e-6f;
    a.inv_head_dim = 1.0f / kHeadDim;
    a.heads = 2;
    a.head_dim = kHeadDim;
    a.rotated = variant == 3 ? 20 : kHeadDim;
    a.halves = variant % 2 == 0;
    k.head_norm_rope(a);
  }
  return out;
}

// gated_mul or add over every remainder of a vector.
template <class F>
Memory run_pairs(F kernel, float* x) {
  Memory out(kRows * 512);
  for (int32_t row = 0; row < kRows; ++row) {
    kernel(x + row * kMostK, x + 3, 32 + 13 * row, out.as<float>(row * 512));
  }
  return out;
}

int64_t v_offset_of(int format) {
  constexpr int64_t kElements = int64_t{32} * kKvHeads * kHeadDim;
  return format == 0 ? kElements * 2 : format == 1 ? kElements * 4 : kElements / 32 * 34;
}

Memory write_cache(const OpKernels& k, int format, float* kv) {
  const int64_t v_offset = v_offset_of(format);
  Memory cache(3 * 2 * v_offset);
  for (int32_t p = 0; p < kPositions; ++p) {
    const float* const at = kv + p * 2 * kKvHeads * kHeadDim;
    k.kv_write[format]({.k = at,
                        .v = at + kKvHeads * kHeadDim,
                        .block = cache.data() + p / 32 * 2 * v_offset,
                        .v_offset = v_offset,
                        .slot = p % 32,
                        .head_dim = kHeadDim,
                        .head_begin = 0,
                        .head_end = kKvHeads});
  }
  return cache;
}

// Queries of one tile that see different stretches, one of them none; then two results folded and finished.
Memory run_attention(const OpKernels& k, int format, float* kv) {
  int32_t begin[kQueries] = {0, 0, 5, kPositions - 1, 10};
  int32_t end[kQueries] = {kPositions, 33, 64, kPositions, 10};
  for (int32_t i = 5; i < kQueries; ++i) end[i] = 3 * i;
  constexpr int32_t kTable[] = {0, 1, 2};
  Memory cache = write_cache(*ops_portable(), format, kv);
  Memory q(24 * kQueryStride * 4), scores(16 * 256 * 4), wide(2 * 256 * kHeadDim * 4),
      out(128 * 2 + (kQueries + 1) * kHeadDim * 4);
  for (int32_t i = 0; i < kQueries; ++i) {
    k.attention_query(kv + i * 300, kHeadDim, 0.125f, q.as<float>() + i * kQueryStride);
  }
  AttentionTile a{};
  a.cache = cache.data();
  a.v_offset = v_offset_of(format);
  a.block_bytes = 2 * a.v_offset;
  a.table = kTable;
  a.kv_head = 1;
  a.head_dim = kHeadDim;
  a.queries = kQueries;
  a.q = q.as<float>();
  a.begin = begin;
  a.end = end;
  a.scores = scores.as<float>();
  a.wide = wide.as<float>();
  a.max = out.as<float>();
  a.sum = out.as<float>(128);
  a.out = out.as<float>(256);
  a.out_stride = kHeadDim;
  k.attention_tile[format](a);
  k.attention_fold(&a.max[0], &a.sum[0], a.out, a.max[1], a.sum[1], a.out + kHeadDim, kHeadDim);
  k.attention_fold(&a.max[2], &a.sum[2], a.out + 2 * kHeadDim, a.max[0], a.sum[0], a.out, kHeadDim);
  k.attention_finish(a.out, a.sum[0], kHeadDim, a.out + kQueries * kHeadDim);
  return out;
}

}  // namespace

KernelChecks::KernelChecks() = default;
KernelChecks::~KernelChecks() = default;

KernelChecks::Inputs& KernelChecks::inputs() {
  if (!inputs_) inputs_ = std::make_unique<Inputs>();
  return *inputs_;
}

bool KernelChecks::passes(size_t format, LinearFn kernel, const CheckSize& size) {
  const LinearFn portable = linear_portable()->linear[format];
  if (kernel == portable || portable == nullptr) return true;
  Inputs& in = inputs();
  float* const x = in.x.as<float>();
  Product product(format, size, x, in.w.as<float>());
  std::byte* const scratch = in.scratch.data();
  return product.run(kernel, x, scratch) == product.run(portable, x, scratch);
}

bool KernelChecks::passes(OpGroup group, const OpKernels& kernels) {
  const OpKernels& portable = *ops_portable();
  Inputs& in = inputs();
  float* const x = in.x.as<float>();
  float* const w = in.w.as<float>();
  float* const kv = in.kv.as<float>();
  const auto same = [&](auto run) { return run(kernels) == run(portable); };
  const auto same_for_caches = [&](auto run) {
    for (int format = 0; format < kKvFormats; ++format) {
      if (!(run(kernels, format) == run(portable, format))) return false;
    }
    return true;
  };
  switch (group) {
    case OpGroup::kQuantize:
      return same([&](const OpKernels& k) { return run_quantize(k, x); });
    case OpGroup::kNorm:
      return same([&](const OpKernels& k) { return run_norm(k, x, w); });
    case OpGroup::kRope:
      return same([&](const OpKernels& k) { return run_rope(k, x, w); });
    case OpGroup::kGatedMul:
      return same([&](const OpKernels& k) { return run_pairs(k.gated_mul, x); });
    case OpGroup::kAdd:
      return same([&](const OpKernels& k) { return run_pairs(k.add, x); });
    case OpGroup::kKvWrite:
      return same_for_caches([&](const OpKernels& k, int f) { return write_cache(k, f, kv); });
    case OpGroup::kAttention:
      return same_for_caches([&](const OpKernels& k, int f) { return run_attention(k, f, kv); });
  }
  return false;
}

}  // namespace yoke::cpu
