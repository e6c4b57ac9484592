// Matrix products: panels, or rows and panels, are divided over the members; one op may be two products.
#include <algorithm>
#include <string>

#include "base/error.h"
#include "devices/cpu/chunks.h"
#include "devices/cpu/cpu_op.h"
#include "tensor/layout.h"

namespace yoke::cpu {
namespace {

// A gated product's up half goes to scratch of this size before it is multiplied in: small beside the second
// cache.
constexpr int64_t kUpBytes = 128 << 10;
constexpr int64_t kUpRows = 256;
// Rows are divided only in groups that fill a kernel's tile.
constexpr int64_t kRowGroup = 16;

uint64_t align64(uint64_t n) {
  return (n + 63) / 64 * 64;
}

// A part of the output: rows and panels.
struct Box {
  int64_t row_begin, row_end;
  int64_t panel_begin, panel_end;
};

// Work worth a chunk of its own: some ten microseconds of reading, or of multiplying.
constexpr int64_t kChunkBytes = 192 << 10;
constexpr int64_t kChunkProducts = 4 << 20;
constexpr int64_t kChunkPanels = 8;  // several of a kernel's widest tiles, to use what it holds of the rows

// How an op's rows and panels are divided over the members, and each member's part into chunks.
class Division {
 public:
  Division(int64_t rows, int64_t panels, int64_t panel_bytes, int64_t k, const Member& me)
      : rows_(rows), panels_(panels), members_(me.count) {
    // Few panels: rows are divided too. On several memory nodes each one's part of the weights stays there.
    const bool few_panels = panels < 8 * members_;
    if (few_panels || me.nodes == nullptr) {
      groups_ = std::clamp<int64_t>(rows / (few_panels ? kRowGroup : kOwnRows), 1, members_);
    }
    const int64_t by_bytes = kChunkBytes / panel_bytes;
    const int64_t by_products = kChunkProducts / (kPanelRows * k * rows / groups_ + 1);
    step_ = std::max(kChunkPanels, std::min(by_bytes, by_products));
    tapering_ = by_bytes < by_products;
  }

  Part part(int member) const { return part_of(groups_ * panels_, member, members_); }
  int64_t chunks(int member) const {
    const Part p = part(member);
    int64_t count = 0;
    for (int64_t begin = p.begin; begin < p.end; begin = chunk_end(begin, p.end)) ++count;
    return count;
  }
  // f(box) for a member's chunk.
  template <class F>
  void boxes(int member, int64_t chunk, F&& f) const {
    const Part p = part(member);
    int64_t begin = p.begin;
    for (; chunk > 0; --chunk) begin = chunk_end(begin, p.end);
    for_rows_of({begin, chunk_end(begin, p.end)}, panels_, [&](int64_t group, int64_t first, int64_t last) {
      const int64_t tiles = (rows_ + kRowGroup - 1) / kRowGroup;
      const Part t = part_of(tiles, static_cast<int>(group), static_cast<int>(groups_));
      const Box box{t.begin * kRowGroup, std::min(rows_, t.end * kRowGroup), first, last};
      if (box.row_begin < box.row_end) f(box);
    });
  }

 private:
  // Of the chunk at `begin` of a part that ends at `end`.
  int64_t chunk_end(int64_t begin, int64_t end) const {
    const int64_t step = tapering_ ? std::max(step_, (end - begin) * 3 / 4) : step_;
    return std::min(end, begin + step);
  }

  int64_t rows_;
  int64_t panels_;
  int members_;
  int64_t groups_ = 1;  // of rows
  int64_t step_ = 1;    // panels of the smallest chunks
  // Work that waits for memory is quickest in long streams: each chunk takes three quarters of what its part
  // still has, so that the last ones even out who is done early.
  bool tapering_ = false;
};

// f(box) for all that this member does.
template <class F>
void for_boxes(const Division& division, Chunks& chunks, const Member& me, F&& f) {
  chunks.run(
      me, [&](int owner) { return division.chunks(owner); },
      [&](int owner, int64_t chunk) { division.boxes(owner, chunk, f); });
}

// One weight matrix with its kernel: computes boxes of x * weight^T.
class Product {
 public:
  Product(ValueId x, WeightId weight, const Resolver& r)
      : x_(r.rows(x)), weight_(r.weight(weight)), kernel_(r.kernels.linear_for(weight_.type)) {
    const ActFormat act = traits(weight_.type).act;
    if (kernel_ == nullptr) {
      fail(ErrorKind::kRuntime, "compiling for the CPU",
           "no " + r.kernels.isa + " kernel for " + std::string(traits(weight_.type).name));
    }
    if (x_.format != act || x_.width != weight_.cols) {
      fail(ErrorKind::kRuntime, "compiling for the CPU",
           "a product with a weight of " + std::to_string(weight_.cols) + " columns takes " +
               std::string(name(act)) + " rows as wide, not " + std::string(name(x_.format)) + " rows of " +
               std::to_string(x_.width));
    }
    const ActLayout layout = act_layout(act, weight_.cols);
    args_.x_row_bytes = x_.row_bytes;
    args_.x_scale_offset = layout.scale_offset;
    args_.x_sums_offset = layout.sums_offset;
    args_.x_sums32_offset = layout.sums32_offset;
    args_.panel_bytes = static_cast<int64_t>(panel_bytes(weight_.type, weight_.cols));
    args_.k = weight_.cols;
    text_ = r.kernels.isa_of(weight_.type) + " " + std::string(name(weight_.layout)) + " " +
            std::string(traits(weight_.type).name);
  }

  int64_t n() const { return weight_.rows; }
  int64_t panels() const { return (weight_.rows + kPanelRows - 1) / kPanelRows; }
  const Rows& x() const { return x_; }
  Division divide(int64_t rows, const Member& me) const {
    return {rows, panels(), args_.panel_bytes, args_.k, me};
  }
  void parts(int members, const CpuOp::PartSink& sink) const {
    if (weight_.layout == Layout::kStored) return;
    for (int member = 0; member < members; ++member) {
      const Part p = part_of(panels(), member, members);
      sink(weight_.base + p.begin * args_.panel_bytes,
           static_cast<uint64_t>((p.end - p.begin) * args_.panel_bytes), member);
    }
  }
  // Panel p, or null past the last one.
  const std::byte* panel(int64_t p) const {
    return weight_.layout != Layout::kStored && p < panels() ? weight_.base + p * args_.panel_bytes : nullptr;
  }
  const std::string& text() const { return text_; }
  // The kernel's own, then room to pack one panel of a stored matrix.
  uint64_t scratch_bytes() const {
    return kLinearScratchBytes + (weight_.layout == Layout::kStored ? align64(args_.panel_bytes) : 0);
  }

  // Writes column n of the weight to out + 4 * (n - 16 * box.panel_begin) of each row. bias, add: of column
  // 16 * box.panel_begin, or null. next: what the caller reads afterwards.
  void run(const Box& box, const float* bias, const float* add, int64_t add_row_bytes, float* out,
           int64_t out_row_bytes, const std::byte* next, std::byte* scratch) const {
    LinearArgs a = args_;
    a.x = x_.row(box.row_begin);
    a.rows = static_cast<int32_t>(box.row_end - box.row_begin);
    a.add_row_bytes = add_row_bytes;
    a.out_row_bytes = out_row_bytes;
    a.next = next;
    a.scratch = scratch;
    const bool stored = weight_.layout == Layout::kStored;
    const int64_t step = stored ? 1 : box.panel_end - box.panel_begin;
    for (int64_t p = box.panel_begin; p < box.panel_end; p += step) {
      const int64_t column = (p - box.panel_begin) * kPanelRows;
      if (stored) {
        std::byte* const packed = scratch + kLinearScratchBytes;
        pack_panels(weight_.type, weight_.rows, weight_.cols, weight_.base, p, p + 1, packed);
        a.w = packed;
      } else {
        a.w = weight_.base + p * a.panel_bytes;
      }
      a.panel_begin = 0;
      a.panel_end = step;
      a.n = weight_.rows - p * kPanelRows;
      a.bias = bias == nullptr ? nullptr : bias + column;
      a.add = add == nullptr ? nullptr : add + column;
      a.out = out + column;
      kernel_(a);
    }
  }

 private:
  Rows x_;
  Matrix weight_;
  LinearFn kernel_;
  LinearArgs args_{};
  std::string text_;
};

class LinearOp final : public CpuOp {
 public:
  LinearOp(const Linear& op, const Resolver& r)
      : product_(op.x, op.weight, r), out_(r.rows(op.out)), chunks_(r.members) {
    if (given(op.bias)) bias_ = r.weight(op.bias).floats();
    if (given(op.add)) add_ = r.rows(op.add);
  }

  void run(const StepInputs& step, const Member& me) override {
    const int64_t rows = product_.x().count(step);
    if (rows == 0) return;
    for_boxes(product_.divide(rows, me), chunks_, me, [&](const Box& box) {
      const int64_t column = box.panel_begin * kPanelRows;
      product_.run(box, bias_ == nullptr ? nullptr : bias_ + column,
                   add_.base == nullptr ? nullptr : add_.floats(box.row_begin) + column, add_.row_bytes,
                   out_.floats(box.row_begin) + column, out_.row_bytes, product_.panel(box.panel_end),
                   me.scratch);
    });
  }
  std::string kernel() const override { return product_.text(); }
  uint64_t scratch_bytes() const override { return product_.scratch_bytes(); }
  void weight_parts(int members, const PartSink& sink) const override { product_.parts(members, sink); }

 private:
  Product product_;
  const float* bias_ = nullptr;  // [n]
  Rows add_;                     // base null: none
  Rows out_;
  Chunks chunks_;
};

// Gate into `out`, up into scratch, block of columns by block of columns, then silu(gate) * up in place.
class GatedLinearOp final : public CpuOp {
 public:
  GatedLinearOp(const GatedLinear& op, const Resolver& r)
      : k_(*r.kernels.ops),
        gate_(op.x, op.gate, r),
        up_(op.x, op.up, r),
        out_(r.rows(op.out)),
        chunks_(r.members) {
    if (gate_.n() != up_.n()) {
      fail(ErrorKind::kRuntime, "compiling for the CPU",
           "a gate of " + std::to_string(gate_.n()) + " rows beside an up of " + std::to_string(up_.n()));
    }
  }

  void run(const StepInputs& step, const Member& me) override {
    const int64_t rows = gate_.x().count(step);
    if (rows == 0) return;
    for_boxes(gate_.divide(rows, me), chunks_, me, [&](const Box& box) {
      const int64_t chunk = std::min(box.row_end - box.row_begin, kUpRows);
      const int64_t block = std::max<int64_t>(1, kUpBytes / (chunk * kPanelRows * 4));
      for (int64_t p = box.panel_begin; p < box.panel_end; p += block) {
        for (int64_t row = box.row_begin; row < box.row_end; row += chunk) {
          run_box({row, std::min(row + chunk, box.row_end), p, std::min(p + block, box.panel_end)}, me);
        }
      }
    });
  }
  std::string kernel() const override { return gate_.text(); }
  uint64_t scratch_bytes() const override {
    return kUpBytes + std::max(gate_.scratch_bytes(), up_.scratch_bytes());
  }
  void weight_parts(int members, const PartSink& sink) const override {
    gate_.parts(members, sink);
    up_.parts(members, sink);
  }

 private:
  void run_box(const Box& box, const Member& me) const {
    const int64_t column = box.panel_begin * kPanelRows;
    const int64_t columns = std::min(box.panel_end * kPanelRows, gate_.n()) - column;
    const int64_t up_row_bytes = (box.panel_end - box.panel_begin) * kPanelRows * 4;
    float* const up = reinterpret_cast<float*>(me.scratch);
    std::byte* const scratch = me.scratch + kUpBytes;
    float* const out = out_.floats(box.row_begin) + column;
    gate_.run(box, nullptr, nullptr, 0, out, out_.row_bytes, up_.panel(box.panel_begin), scratch);
    up_.run(box, nullptr, nullptr, 0, up, up_row_bytes, gate_.panel(box.panel_end), scratch);
    for (int64_t row = box.row_begin; row < box.row_end; ++row) {
      float* const gate = out_.floats(row) + column;
      k_.gated_mul(gate, up + (row - box.row_begin) * (up_row_bytes / 4), columns, gate);
    }
  }

  const OpKernels& k_;
  Product gate_;
  Product up_;
  Rows out_;
  Chunks chunks_;
};

}  // namespace

std::unique_ptr<CpuOp> make_linear(const Linear& op, const Resolver& r) {
  return std::make_unique<LinearOp>(op, r);
}

std::unique_ptr<CpuOp> make_gated_linear(const GatedLinear& op, const Resolver& r) {
  return std::make_unique<GatedLinearOp>(op, r);
}

}  // namespace yoke::cpu
