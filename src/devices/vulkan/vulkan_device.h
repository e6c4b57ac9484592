// The device contract on Vulkan.
#pragma once

#include <array>
#include <memory>

#include "devices/device.h"
#include "devices/vulkan/compiled_segment.h"
#include "devices/vulkan/memory.h"
#include "devices/vulkan/pipelines.h"
#include "devices/vulkan/timeline.h"
#include "devices/vulkan/transfer.h"

namespace yoke::vulkan {

class VulkanDevice final : public Device {
 public:
  VulkanDevice(std::unique_ptr<Instance> instance, Capabilities capabilities, const VulkanOptions& options);
  ~VulkanDevice() override;

  const DeviceInfo& info() const override { return info_; }
  std::optional<std::string> unsupported(const OpShape& shape) const override;
  std::optional<std::string> not_bitwise(const OpShape& shape) const override;
  std::unique_ptr<Buffer> allocate(uint64_t bytes, BufferUse use) override;
  std::unique_ptr<Buffer> wrap(std::span<std::byte> memory, BufferUse use) override;
  void write(Buffer& to, uint64_t offset, std::span<const std::byte> from) override;
  void read(Buffer& from, uint64_t offset, std::span<std::byte> to) override;
  std::unique_ptr<StepBuffer> make_step_buffer(const StepLimits& limits) override;
  uint64_t step_buffer_bytes(const StepLimits& limits) const override;
  void write_step(StepBuffer& to, const StepInputs& inputs) override;
  std::unique_ptr<CompiledSegment> compile(const Program& program, const Segment& segment,
                                           const Bindings& bindings, StepBuffer& step) override;
  TimePoint launch(Lane lane, CompiledSegment& segment, std::span<const TimePoint> waits) override;
  void wait(Lane lane, uint64_t value) override;

 private:
  Timeline& timeline(Lane lane) { return *lanes_[static_cast<size_t>(lane)]; }

  Context context_;
  DeviceInfo info_;
  std::array<std::unique_ptr<Timeline>, 3> lanes_;
  std::unique_ptr<Transfer> transfer_;
  std::unique_ptr<Pipelines> pipelines_;
};

}  // namespace yoke::vulkan
