// Ops that treat each row by itself.
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/recipe.h"
#include "devices/reference/ops.h"
#include "tensor/quantize.h"

namespace yoke::reference {

void rms_norm(const float* x, const float* weight, float eps, int64_t n, float* y) {
  float partial[recipe::kPartialSums] = {};
  for (int64_t i = 0; i < n; ++i) {
    float& p = partial[i % recipe::kPartialSums];
    const float square = x[i] * x[i];
    p = p + square;
  }
  const float inv_n = 1.0f / static_cast<float>(n);
  const float mean = recipe::tree(partial, recipe::kPartialSums) * inv_n;
  const float r = recipe::rsqrt(mean + eps);
  for (int64_t i = 0; i < n; ++i) {
    const float scaled = x[i] * r;
    y[i] = scaled * weight[i];
  }
}

void run(const Embed& op, const Context& c) {
  const MatrixView table = c.matrix(op.table);
  const RowsView out = c.rows(op.out);
  std::vector<std::byte> scratch(stored_bytes(table.type, 1, table.cols));
  for (int64_t r = 0; r < out.rows; ++r) {
    const int32_t token = c.step().tokens[r];
    if (token < 0 || token >= table.rows) {
      fail(ErrorKind::kRuntime, "embed",
           "token " + std::to_string(token) + " is not in the vocabulary of " + std::to_string(table.rows));
    }
    read_row(table.type, table.layout, table.cols, table.data, token, out.floats(r), scratch.data());
  }
}

void run(const RmsNorm& op, const Context& c) {
  const RowsView x = c.rows(op.x);
  const RowsView out = c.rows(op.out);
  std::vector<float> y(static_cast<size_t>(x.width));
  for (int64_t r = 0; r < x.rows; ++r) {
    rms_norm(x.floats(r), c.vector(op.weight), op.eps, x.width, y.data());
    quantize_activations(out.format, y.data(), x.width, out.row(r));
  }
}

void run(const QuantizeRows& op, const Context& c) {
  const RowsView x = c.rows(op.x);
  const RowsView out = c.rows(op.out);
  for (int64_t r = 0; r < x.rows; ++r) {
    quantize_activations(out.format, x.floats(r), x.width, out.row(r));
  }
}

void run(const GatedMul& op, const Context& c) {
  const RowsView gate = c.rows(op.gate);
  const RowsView up = c.rows(op.up);
  const RowsView out = c.rows(op.out);
  for (int64_t r = 0; r < out.rows; ++r) {
    for (int64_t i = 0; i < out.width; ++i) {
      out.floats(r)[i] = recipe::silu(gate.floats(r)[i]) * up.floats(r)[i];
    }
  }
}

void run(const Add& op, const Context& c) {
  const RowsView a = c.rows(op.a);
  const RowsView b = c.rows(op.b);
  const RowsView out = c.rows(op.out);
  for (int64_t r = 0; r < out.rows; ++r) {
    for (int64_t i = 0; i < out.width; ++i) out.floats(r)[i] = a.floats(r)[i] + b.floats(r)[i];
  }
}

void run(const WantedRows& op, const Context& c) {
  const RowsView x = c.rows(op.x);
  const RowsView out = c.rows(op.out);
  for (int64_t r = 0; r < out.rows; ++r) {
    std::memmove(out.row(r), x.row(c.step().wanted_rows[r]), static_cast<size_t>(out.width) * 4);
  }
}

void run(const Copy& op, const Context& c) {
  const RowsView x = c.rows(op.x);
  const RowsView out = c.rows(op.out);
  const int64_t bytes = x.format == ActFormat::kF32 ? x.width * 4 : x.row_bytes;
  for (int64_t r = 0; r < out.rows; ++r) std::memmove(out.row(r), x.row(r), static_cast<size_t>(bytes));
}

}  // namespace yoke::reference
