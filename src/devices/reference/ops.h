// One function per op of the reference device, and the views through which they see the step's memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "devices/device.h"

namespace yoke::reference {

// A value's rows in host memory.
struct RowsView {
  std::byte* data = nullptr;
  int64_t width = 0;
  int64_t row_bytes = 0;
  int64_t rows = 0;  // of this step
  ActFormat format = ActFormat::kF32;

  std::byte* row(int64_t r) const { return data + r * row_bytes; }
  float* floats(int64_t r) const { return reinterpret_cast<float*>(row(r)); }
};

struct MatrixView {
  const std::byte* data = nullptr;
  DType type = DType::kF32;
  Layout layout = Layout::kStored;
  int64_t rows = 0;
  int64_t cols = 0;
};

// One layer's cache: addresses of a position's elements, in blocks of 32 (docs/layouts.md).
struct CacheView {
  std::byte* data = nullptr;
  int32_t kv_heads = 0;
  int32_t head_dim = 0;
  KvType type = KvType::kF16;
  int32_t blocks = 0;
};

// What an op may look at: ids to memory, and the step.
class Context {
 public:
  Context(const std::vector<ProgramValue>& values, const Bindings& bindings, const StepInputs& step)
      : values_(values), bindings_(bindings), step_(step) {}

  const StepInputs& step() const { return step_; }
  RowsView rows(ValueId id) const;
  MatrixView matrix(WeightId id) const;
  const float* vector(WeightId id) const;  // null where absent
  CacheView cache(CacheId id) const;
  // The cache block that holds a position of a row's sequence; checked.
  int64_t cache_block(int32_t row, int32_t position, const CacheView& cache) const;

 private:
  const std::vector<ProgramValue>& values_;
  const Bindings& bindings_;
  const StepInputs& step_;
};

void run(const Embed& op, const Context& c);
void run(const RmsNorm& op, const Context& c);
void run(const QuantizeRows& op, const Context& c);
void run(const Linear& op, const Context& c);
void run(const GatedLinear& op, const Context& c);
void run(const GatedMul& op, const Context& c);
void run(const HeadNormRope& op, const Context& c);
void run(const KvWrite& op, const Context& c);
void run(const Attention& op, const Context& c);
void run(const Add& op, const Context& c);
void run(const WantedRows& op, const Context& c);
void run(const Copy& op, const Context& c);

// y[i] = (x[i] * rsqrt(mean of squares + eps)) * weight[i]; y may be x.
void rms_norm(const float* x, const float* weight, float eps, int64_t n, float* y);

}  // namespace yoke::reference
