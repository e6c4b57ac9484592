// Turns a segment's ops into dispatches: which pipeline, with which addresses, over how many rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "devices/device.h"
#include "devices/vulkan/pipelines.h"
#include "devices/vulkan/step_buffer.h"
#include "program/program.h"

namespace yoke::vulkan {

// One indirect dispatch; how many workgroups it has is read from the step buffer.
struct Dispatch {
  const Pipeline* pipeline = nullptr;
  uint64_t grid_offset = 0;  // in the step buffer
  std::array<std::byte, kPushBytes> push{};
  uint32_t push_bytes = 0;
  bool barrier = false;  // what was dispatched before must have finished
};

class Recorder {
 public:
  struct Parts {
    const Program& program;
    const Bindings& bindings;
    VulkanStepBuffer& step;
    Pipelines& pipelines;
    const Context& context;
  };
  explicit Recorder(const Parts& parts) : p_(parts) {}

  // Appends the op's dispatches.
  void add(const ProgramOp& op);
  std::vector<Dispatch>& dispatches() { return dispatches_; }
  std::vector<std::string>& kernels() { return kernels_; }

 private:
  void record(const Embed& op);
  void record(const RmsNorm& op);
  void record(const QuantizeRows& op);
  void record(const Linear& op);
  void record(const GatedLinear& op);
  void record(const GatedMul& op);
  void record(const HeadNormRope& op);
  void record(const KvWrite& op);
  void record(const Attention& op);
  void record(const Add& op);
  void record(const WantedRows& op);
  void record(const Copy& op);

  // The product of Linear and GatedLinear (up given).
  void product(const Linear& op, WeightId up);
  void elementwise(const std::string& shader, ValueId a, uint64_t b, ValueId out);

  const ProgramValue& value(ValueId id) const;
  const BoundWeight& weight(WeightId id) const;
  const BoundCache& cache(CacheId id) const;
  // Device addresses, checked against the buffers' bounds and the alignment that kernels count on.
  uint64_t address(ValueId id) const;
  uint64_t address(WeightId id) const;
  uint64_t address(CacheId id) const;
  uint32_t row_bytes(ValueId id) const { return static_cast<uint32_t>(value(id).row_bytes); }
  int32_t max_rows(RowKind kind) const;

  template <class Push>
  void dispatch(const Pipeline& pipeline, Grid grid, const Push& push) {
    static_assert(sizeof(Push) <= kPushBytes);
    dispatch(pipeline, grid, reinterpret_cast<const std::byte*>(&push), sizeof(Push));
  }
  void dispatch(const Pipeline& pipeline, Grid grid, const std::byte* push, uint32_t bytes);

  Parts p_;
  std::vector<Dispatch> dispatches_;
  std::vector<std::string> kernels_;  // [ops]
};

// "q8_0", as the shaders' names spell it.
std::string shader_suffix(DType type);

}  // namespace yoke::vulkan
