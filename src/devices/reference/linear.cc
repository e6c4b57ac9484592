// Matrix products: each output from the weight row's integer codes, block after block.
#include <cstring>
#include <vector>

#include "base/recipe.h"
#include "devices/reference/ops.h"
#include "tensor/codes.h"
#include "tensor/half.h"
#include "tensor/quantize.h"

namespace yoke::reference {
namespace {

// One row of a weight, ready to be multiplied.
struct WeightRow {
  DType type = DType::kF32;
  int64_t k = 0;
  std::vector<BlockCodes> blocks;  // quantized types
  std::vector<float> floats;       // F32, F16, BF16
};

WeightRow read_weight_row(const MatrixView& w, int64_t n) {
  WeightRow row;
  row.type = w.type;
  row.k = w.cols;
  const uint64_t bytes = stored_bytes(w.type, 1, w.cols);
  std::vector<std::byte> stored(bytes);
  if (w.layout == Layout::kStored) {
    std::memcpy(stored.data(), w.data + static_cast<uint64_t>(n) * bytes, bytes);
  } else {
    unpack_row(w.type, w.cols, w.data, n, stored.data());
  }
  const DTypeTraits& t = traits(w.type);
  if (t.block == 1) {
    row.floats.resize(static_cast<size_t>(w.cols));
    dequantize(w.type, stored.data(), w.cols, row.floats.data());
    return row;
  }
  row.blocks.resize(static_cast<size_t>(w.cols / t.block));
  for (size_t b = 0; b < row.blocks.size(); ++b) {
    take_apart(w.type, stored.data() + b * t.block_bytes, row.blocks[b]);
  }
  return row;
}

// The exact integers of one block: products with the codes, and what the minimum or offset multiplies.
struct BlockSums {
  int32_t products = 0;
  int32_t others = 0;
};

BlockSums block_sums(const CodeTraits& t, const BlockCodes& block, int64_t n, const int8_t* xq) {
  BlockSums sums;
  for (int64_t first = 0; first < n; first += t.sub) {
    int32_t products = 0;
    int32_t plain = 0;
    for (int64_t e = first; e < first + t.sub; ++e) {
      products += t.map[block.code[e]] * xq[e];
      plain += xq[e];
    }
    const int64_t sub = first / t.sub;
    sums.products += t.scales ? block.scale[sub] * products : products;
    sums.others += t.mins ? block.min[sub] * plain : plain;
  }
  return sums;
}

float block_term(DType type, const CodeTraits& t, const BlockCodes& block, int64_t n, const int8_t* xq,
                 float activation_scale) {
  const BlockSums sums = block_sums(t, block, n, xq);
  float term = static_cast<float>(sums.products) * block_scale(type, block.d);
  if (t.offset || t.mins) {
    const float other = static_cast<float>(sums.others) * half_to_float(block.m);
    term = t.mins ? term - other : term + other;
  }
  return term * activation_scale;
}

float dot_quantized(const WeightRow& w, const RowsView& x, int64_t r) {
  const ActLayout layout = act_layout(x.format, x.width);
  const CodeTraits& t = code_traits(w.type);
  const int64_t block = traits(w.type).block;
  const auto* xq = reinterpret_cast<const int8_t*>(x.row(r));
  const auto* scales = reinterpret_cast<const float*>(x.row(r) + layout.scale_offset);
  recipe::PieceTree tree;
  for (int64_t begin = 0; begin < w.k; begin += recipe::kPiece) {
    const int64_t end = std::min(begin + recipe::kPiece, w.k);
    float acc = 0;
    for (int64_t b = begin / block; b < end / block; ++b) {
      acc = acc + block_term(w.type, t, w.blocks[b], block, xq + b * block, scales[b]);
    }
    tree.push(acc);
  }
  return tree.result();
}

float dot_floats(const WeightRow& w, const float* x) {
  recipe::PieceTree tree;
  for (int64_t begin = 0; begin < w.k; begin += recipe::kPiece) {
    const int64_t end = std::min(begin + recipe::kPiece, w.k);
    float acc = 0;
    for (int64_t i = begin; i < end; ++i) {
      const float t = x[i] * w.floats[i];
      acc = acc + t;
    }
    tree.push(acc);
  }
  return tree.result();
}

// Of a pair of neighbours the second is added first, as the CPUs' bf16 instructions do.
float dot_bf16(const WeightRow& w, const std::byte* x) {
  const auto product = [&](int64_t i) {
    uint16_t bits;
    std::memcpy(&bits, x + 2 * i, 2);
    return bf16_to_float(bits) * w.floats[i];
  };
  recipe::PieceTree tree;
  for (int64_t begin = 0; begin < w.k; begin += recipe::kPiece) {
    const int64_t end = std::min(begin + recipe::kPiece, w.k);
    float acc = 0;
    for (int64_t i = begin; i < end; i += 2) {
      if (i + 1 < end) acc = acc + product(i + 1);
      acc = acc + product(i);
    }
    tree.push(acc);
  }
  return tree.result();
}

float dot(const WeightRow& w, const RowsView& x, int64_t r) {
  switch (x.format) {
    case ActFormat::kF32:
      return dot_floats(w, x.floats(r));
    case ActFormat::kBF16:
      return dot_bf16(w, x.row(r));
    default:
      return dot_quantized(w, x, r);
  }
}

}  // namespace

void run(const Linear& op, const Context& c) {
  const RowsView x = c.rows(op.x);
  const RowsView out = c.rows(op.out);
  const MatrixView w = c.matrix(op.weight);
  const float* bias = c.vector(op.bias);
  const RowsView add = given(op.add) ? c.rows(op.add) : RowsView{};
  for (int64_t n = 0; n < w.rows; ++n) {
    const WeightRow row = read_weight_row(w, n);
    for (int64_t r = 0; r < x.rows; ++r) {
      float y = dot(row, x, r);
      if (bias) y = y + bias[n];
      if (add.data) y = add.floats(r)[n] + y;
      out.floats(r)[n] = y;
    }
  }
}

void run(const GatedLinear& op, const Context& c) {
  const RowsView x = c.rows(op.x);
  const RowsView out = c.rows(op.out);
  const MatrixView gate = c.matrix(op.gate);
  const MatrixView up = c.matrix(op.up);
  for (int64_t n = 0; n < gate.rows; ++n) {
    const WeightRow gate_row = read_weight_row(gate, n);
    const WeightRow up_row = read_weight_row(up, n);
    for (int64_t r = 0; r < x.rows; ++r) {
      out.floats(r)[n] = recipe::silu(dot(gate_row, x, r)) * dot(up_row, x, r);
    }
  }
}

}  // namespace yoke::reference
