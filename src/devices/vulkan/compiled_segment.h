// A segment as a recorded command buffer; nothing in it differs between steps.
#pragma once

#include <volk.h>

#include <string>
#include <vector>

#include "devices/device.h"
#include "devices/vulkan/recorder.h"
#include "devices/vulkan/timeline.h"

namespace yoke::vulkan {

class VulkanSegment final : public CompiledSegment {
 public:
  // what: the segment's name and ops, for errors. lanes: it may be running on one of them when it goes.
  VulkanSegment(Context& context, const Pipelines& pipelines, const VulkanStepBuffer& step, std::string what,
                std::vector<Dispatch> dispatches, std::vector<std::string> kernels);
  ~VulkanSegment() override;

  std::vector<std::string> kernels() const override { return kernels_; }
  VkCommandBuffer commands() const { return commands_; }
  const std::string& what() const { return what_; }
  void launched(Timeline& lane, uint64_t value) { lane_ = &lane, value_ = value; }

 private:
  void record(const Pipelines& pipelines, const VulkanStepBuffer& step);
  void barrier(VkPipelineStageFlags from, VkAccessFlags written, VkPipelineStageFlags to, VkAccessFlags read);

  Context& context_;
  std::string what_;
  std::vector<Dispatch> dispatches_;
  std::vector<std::string> kernels_;  // [ops]
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  Timeline* lane_ = nullptr;  // of the last launch
  uint64_t value_ = 0;
};

}  // namespace yoke::vulkan
