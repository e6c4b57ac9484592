// Ops that work row by row: each member takes rows, or columns of them where there are few.
#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "devices/cpu/cpu_op.h"
#include "tensor/layout.h"

namespace yoke::cpu {
namespace {

// Columns are handed out in pieces of 64 floats: whole cache lines of every output.
constexpr int64_t kPiece = 64;

int64_t pieces(int64_t width) {
  return (width + kPiece - 1) / kPiece;
}

// Where the row's activations for elements from `at` on go; at is a multiple of the format's block.
QuantizedRow quantized_row(std::byte* row, const ActLayout& layout, int64_t at) {
  const int64_t block = layout.format == ActFormat::kQ8x32 ? 32 : 256;
  QuantizedRow out;
  out.q = reinterpret_cast<int8_t*>(row) + at;
  out.scale = reinterpret_cast<float*>(row + layout.scale_offset) + at / block;
  if (layout.format == ActFormat::kQ8x32) {
    out.sums = reinterpret_cast<int32_t*>(row + layout.sums_offset) + at / 32;
    out.sums32 = nullptr;
  } else {
    out.sums = reinterpret_cast<int16_t*>(row + layout.sums_offset) + at / 16;
    out.sums32 = reinterpret_cast<int16_t*>(row + layout.sums32_offset) + at / 32;
  }
  return out;
}

// Elements [begin, end) of a row into its activations; the end of the row also clears the padding.
void quantize_part(const OpKernels& k, const ActLayout& layout, const float* x, std::byte* row, int64_t begin,
                   int64_t end) {
  if (layout.format == ActFormat::kBF16) {
    auto* const out = reinterpret_cast<uint16_t*>(row);
    k.round_bf16(x, end - begin, out + begin);
    if (end == layout.k && end % 2 != 0) out[end] = 0;
    return;
  }
  const QuantizedRow out = quantized_row(row, layout, begin);
  if (layout.format == ActFormat::kQ8x32) {
    k.quantize_q8x32(x, end - begin, out);
    if (end == layout.k) std::memset(row + end, 0, static_cast<size_t>((end + 63) / 64 * 64 - end));
  } else {
    k.quantize_q8x256(x, end - begin, out);
  }
}

// Elements per unit in which a quantized row is divided: whole blocks.
int64_t quantized_unit(ActFormat format) {
  return format == ActFormat::kQ8x256 ? 256 : 64;
}

class EmbedOp final : public CpuOp {
 public:
  EmbedOp(const Embed& op, const Resolver& r) : table_(r.weight(op.table)), out_(r.rows(op.out)) {}

  void run(const StepInputs& step, const Member& me) override {
    const Part part = part_of(out_.count(step), me.index, me.count);
    for (int64_t row = part.begin; row < part.end; ++row) {
      const int32_t token = step.tokens[row];
      if (token < 0 || token >= table_.rows) {
        fail(ErrorKind::kRuntime, "reading the token table",
             "token " + std::to_string(token) + " is not in a vocabulary of " + std::to_string(table_.rows));
      }
      read_row(table_.type, table_.layout, table_.cols, table_.base, token, out_.floats(row), me.scratch);
    }
  }
  std::string kernel() const override {
    return std::string(name(table_.layout)) + " " + std::string(traits(table_.type).name);
  }
  uint64_t scratch_bytes() const override { return stored_bytes(table_.type, 1, table_.cols); }

 private:
  Matrix table_;
  Rows out_;
};

class RmsNormOp final : public CpuOp {
 public:
  RmsNormOp(const RmsNorm& op, const Resolver& r)
      : k_(*r.kernels.ops),
        isa_(r.kernels.isa_of(OpGroup::kNorm)),
        x_(r.rows(op.x)),
        weight_(r.weight(op.weight)),
        out_(r.rows(op.out)),
        layout_(act_layout(out_.format, out_.width)),
        eps_(op.eps),
        inv_n_(1.0f / static_cast<float>(x_.width)) {}

  void run(const StepInputs& step, const Member& me) override {
    const bool quantized = out_.format != ActFormat::kF32;
    const int64_t unit = quantized ? quantized_unit(out_.format) : kPiece;
    const int64_t units = (x_.width + unit - 1) / unit;
    float* const scratch = reinterpret_cast<float*>(me.scratch);
    for_part(x_.count(step), units, me, [&](int64_t row, int64_t first, int64_t last) {
      const int64_t begin = first * unit;
      const int64_t end = std::min(last * unit, x_.width);
      const float* const x = x_.floats(row);
      // Members that share a row each sum all of it: cheaper than a barrier.
      const float factor = k_.rms_factor(x, x_.width, inv_n_, eps_);
      float* const to = quantized ? scratch : out_.floats(row) + begin;
      k_.scale_rows(x + begin, factor, weight_.floats() + begin, end - begin, to);
      if (quantized) quantize_part(k_, layout_, scratch, out_.row(row), begin, end);
    });
  }
  std::string kernel() const override { return isa_ + " " + std::string(name(out_.format)); }
  uint64_t scratch_bytes() const override { return static_cast<uint64_t>(x_.width) * 4; }

 private:
  const OpKernels& k_;
  std::string isa_;
  Rows x_;
  Matrix weight_;
  Rows out_;
  ActLayout layout_;
  float eps_;
  float inv_n_;
};

class QuantizeRowsOp final : public CpuOp {
 public:
  QuantizeRowsOp(const QuantizeRows& op, const Resolver& r)
      : k_(*r.kernels.ops),
        isa_(r.kernels.isa_of(OpGroup::kQuantize)),
        x_(r.rows(op.x)),
        out_(r.rows(op.out)),
        layout_(act_layout(out_.format, out_.width)) {}

  void run(const StepInputs& step, const Member& me) override {
    const int64_t unit = quantized_unit(out_.format);
    for_own_part(x_.count(step), (x_.width + unit - 1) / unit, me,
                 [&](int64_t row, int64_t first, int64_t last) {
                   const int64_t begin = first * unit;
                   quantize_part(k_, layout_, x_.floats(row) + begin, out_.row(row), begin,
                                 std::min(last * unit, x_.width));
                 });
  }
  std::string kernel() const override { return isa_ + " " + std::string(name(out_.format)); }

 private:
  const OpKernels& k_;
  std::string isa_;
  Rows x_;
  Rows out_;
  ActLayout layout_;
};

class GatedMulOp final : public CpuOp {
 public:
  GatedMulOp(const GatedMul& op, const Resolver& r)
      : k_(*r.kernels.ops),
        isa_(r.kernels.isa_of(OpGroup::kGatedMul)),
        gate_(r.rows(op.gate)),
        up_(r.rows(op.up)),
        out_(r.rows(op.out)) {}

  void run(const StepInputs& step, const Member& me) override {
    for_own_part(out_.count(step), pieces(out_.width), me, [&](int64_t row, int64_t first, int64_t last) {
      const int64_t begin = first * kPiece;
      const int64_t n = std::min(last * kPiece, out_.width) - begin;
      k_.gated_mul(gate_.floats(row) + begin, up_.floats(row) + begin, n, out_.floats(row) + begin);
    });
  }
  std::string kernel() const override { return isa_; }

 private:
  const OpKernels& k_;
  std::string isa_;
  Rows gate_;
  Rows up_;
  Rows out_;
};

class AddOp final : public CpuOp {
 public:
  AddOp(const Add& op, const Resolver& r)
      : k_(*r.kernels.ops),
        isa_(r.kernels.isa_of(OpGroup::kAdd)),
        a_(r.rows(op.a)),
        b_(r.rows(op.b)),
        out_(r.rows(op.out)) {}

  void run(const StepInputs& step, const Member& me) override {
    for_own_part(out_.count(step), pieces(out_.width), me, [&](int64_t row, int64_t first, int64_t last) {
      const int64_t begin = first * kPiece;
      const int64_t n = std::min(last * kPiece, out_.width) - begin;
      k_.add(a_.floats(row) + begin, b_.floats(row) + begin, n, out_.floats(row) + begin);
    });
  }
  std::string kernel() const override { return isa_; }

 private:
  const OpKernels& k_;
  std::string isa_;
  Rows a_;
  Rows b_;
  Rows out_;
};

class HeadNormRopeOp final : public CpuOp {
 public:
  HeadNormRopeOp(const HeadNormRope& op, const Resolver& r)
      : k_(*r.kernels.ops),
        isa_(r.kernels.isa_of(OpGroup::kRope)),
        op_(op),
        x_(r.rows(op.x)),
        out_(r.rows(op.out)) {
    if (given(op.weight)) weight_ = r.weight(op.weight).floats();
    if (op.rotated < 0 || op.rotated > op.head_dim || op.rotated % 2 != 0) {
      fail(ErrorKind::kRuntime, "compiling for the CPU",
           "head_norm_rope rotates " + std::to_string(op.rotated) + " of " + std::to_string(op.head_dim) +
               " dimensions");
    }
  }

  void run(const StepInputs& step, const Member& me) override {
    RopeArgs args{};
    args.norm = weight_;
    args.eps = op_.eps;
    args.inv_head_dim = 1.0f / static_cast<float>(op_.head_dim);
    args.head_dim = op_.head_dim;
    args.rotated = op_.rotated;
    args.halves = op_.pairs == RopePairs::kHalves;
    const float* const ropes = op_.rotated > 0 ? step.ropes[index(op_.rope)].data() : nullptr;
    for_own_part(x_.count(step), op_.heads, me, [&](int64_t row, int64_t begin, int64_t end) {
      args.x = x_.floats(row) + begin * op_.head_dim;
      args.out = out_.floats(row) + begin * op_.head_dim;
      args.cos_sin = ropes + row * op_.rotated;
      args.heads = static_cast<int32_t>(end - begin);
      k_.head_norm_rope(args);
    });
  }
  std::string kernel() const override { return isa_; }

 private:
  const OpKernels& k_;
  std::string isa_;
  HeadNormRope op_;
  Rows x_;
  const float* weight_ = nullptr;  // [head_dim]
  Rows out_;
};

class KvWriteOp final : public CpuOp {
 public:
  KvWriteOp(const KvWrite& op, const Resolver& r)
      : isa_(r.kernels.isa_of(OpGroup::kKvWrite)),
        k_(r.rows(op.k)),
        v_(r.rows(op.v)),
        cache_(r.cache(op.cache)),
        write_(r.kernels.ops->kv_write[static_cast<int>(cache_.type)]) {}

  void run(const StepInputs& step, const Member& me) override {
    for_own_part(step.rows, cache_.kv_heads, me, [&](int64_t row, int64_t begin, int64_t end) {
      const int32_t position = step.positions[row];
      const int32_t block =
          step.block_tables[static_cast<int64_t>(step.sequences[row]) * step.blocks_per_sequence +
                            position / kBlockPositions];
      if (block < 0 || block >= cache_.blocks) {
        fail(ErrorKind::kRuntime, "writing keys and values",
             "position " + std::to_string(position) + " has no cache block");
      }
      write_({.k = k_.floats(row),
              .v = v_.floats(row),
              .block = cache_.base + block * cache_.block_bytes,
              .v_offset = cache_.v_offset,
              .slot = position % kBlockPositions,
              .head_dim = cache_.head_dim,
              .head_begin = static_cast<int32_t>(begin),
              .head_end = static_cast<int32_t>(end)});
    });
  }
  std::string kernel() const override { return isa_ + " kv " + std::string(name(cache_.type)); }

 private:
  std::string isa_;
  Rows k_;
  Rows v_;
  Cache cache_;
  void (*write_)(const KvWriteArgs&);
};

class WantedRowsOp final : public CpuOp {
 public:
  WantedRowsOp(const WantedRows& op, const Resolver& r) : x_(r.rows(op.x)), out_(r.rows(op.out)) {}

  void run(const StepInputs& step, const Member& me) override {
    for_part(step.wanted(), pieces(out_.width), me, [&](int64_t row, int64_t first, int64_t last) {
      const int64_t begin = first * kPiece;
      const int64_t n = std::min(last * kPiece, out_.width) - begin;
      std::memcpy(out_.floats(row) + begin, x_.floats(step.wanted_rows[row]) + begin,
                  static_cast<size_t>(n) * 4);
    });
  }
  std::string kernel() const override { return "memory"; }

 private:
  Rows x_;
  Rows out_;
};

class CopyOp final : public CpuOp {
 public:
  CopyOp(const Copy& op, const Resolver& r) : x_(r.rows(op.x)), out_(r.rows(op.out)) {}

  void run(const StepInputs& step, const Member& me) override {
    const int64_t bytes = x_.format == ActFormat::kF32 ? x_.width * 4 : x_.row_bytes;
    constexpr int64_t kBytes = 1024;
    for_part(x_.count(step), (bytes + kBytes - 1) / kBytes, me,
             [&](int64_t row, int64_t first, int64_t last) {
               const int64_t begin = first * kBytes;
               std::memcpy(out_.row(row) + begin, x_.row(row) + begin,
                           static_cast<size_t>(std::min(last * kBytes, bytes) - begin));
             });
  }
  std::string kernel() const override { return "memory"; }

 private:
  Rows x_;
  Rows out_;
};

}  // namespace

std::unique_ptr<CpuOp> make_op(const Op& op, const Resolver& r) {
  using op_fields::Overloaded;
  return std::visit(
      Overloaded{
          [&](const Embed& o) -> std::unique_ptr<CpuOp> { return std::make_unique<EmbedOp>(o, r); },
          [&](const RmsNorm& o) -> std::unique_ptr<CpuOp> { return std::make_unique<RmsNormOp>(o, r); },
          [&](const QuantizeRows& o) -> std::unique_ptr<CpuOp> {
            return std::make_unique<QuantizeRowsOp>(o, r);
          },
          [&](const Linear& o) { return make_linear(o, r); },
          [&](const GatedLinear& o) { return make_gated_linear(o, r); },
          [&](const GatedMul& o) -> std::unique_ptr<CpuOp> { return std::make_unique<GatedMulOp>(o, r); },
          [&](const HeadNormRope& o) -> std::unique_ptr<CpuOp> {
            return std::make_unique<HeadNormRopeOp>(o, r);
          },
          [&](const KvWrite& o) -> std::unique_ptr<CpuOp> { return std::make_unique<KvWriteOp>(o, r); },
          [&](const Attention& o) { return make_attention(o, r); },
          [&](const Add& o) -> std::unique_ptr<CpuOp> { return std::make_unique<AddOp>(o, r); },
          [&](const WantedRows& o) -> std::unique_ptr<CpuOp> { return std::make_unique<WantedRowsOp>(o, r); },
          [&](const Copy& o) -> std::unique_ptr<CpuOp> { return std::make_unique<CopyOp>(o, r); }},
      op);
}

}  // namespace yoke::cpu
