#include <cstring>
#include <vector>

#include "devices/reference/ops.h"

namespace yoke::reference {
namespace {

// angles: [rotated / 2][2] cosine, sine.
void rotate(RopePairs pairs, int32_t rotated, const float* angles, float* x) {
  const int32_t half = rotated / 2;
  for (int32_t i = 0; i < half; ++i) {
    float& first = pairs == RopePairs::kAdjacent ? x[2 * i] : x[i];
    float& second = pairs == RopePairs::kAdjacent ? x[2 * i + 1] : x[i + half];
    const float x0 = first;
    const float x1 = second;
    const float c = angles[2 * i];
    const float s = angles[2 * i + 1];
    const float x0c = x0 * c;
    const float x1s = x1 * s;
    const float x0s = x0 * s;
    const float x1c = x1 * c;
    first = x0c - x1s;
    second = x0s + x1c;
  }
}

}  // namespace

void run(const HeadNormRope& op, const Context& c) {
  const RowsView x = c.rows(op.x);
  const RowsView out = c.rows(op.out);
  const float* weight = c.vector(op.weight);
  std::vector<float> head(static_cast<size_t>(op.head_dim));
  for (int64_t r = 0; r < x.rows; ++r) {
    for (int32_t h = 0; h < op.heads; ++h) {
      const int64_t offset = static_cast<int64_t>(h) * op.head_dim;
      std::memcpy(head.data(), x.floats(r) + offset, head.size() * sizeof(float));
      if (weight) rms_norm(head.data(), weight, op.eps, op.head_dim, head.data());
      if (op.rotated > 0) {
        rotate(op.pairs, op.rotated, c.step().ropes[index(op.rope)].data() + r * op.rotated, head.data());
      }
      std::memcpy(out.floats(r) + offset, head.data(), head.size() * sizeof(float));
    }
  }
}

}  // namespace yoke::reference
