#include "devices/vulkan/compiled_segment.h"

#include <algorithm>
#include <random>

namespace yoke::vulkan {
namespace {

// Dispatches between two barriers may run in any order; a test takes a random one.
void shuffle_groups(std::vector<Dispatch>& dispatches, uint32_t seed) {
  std::mt19937 random(seed);
  auto first = dispatches.begin();
  while (first != dispatches.end()) {
    const auto last = std::find_if(first + 1, dispatches.end(), [](const Dispatch& d) { return d.barrier; });
    const bool barrier = first->barrier;
    first->barrier = false;
    std::shuffle(first, last, random);
    first->barrier = barrier;
    first = last;
  }
}

}  // namespace

VulkanSegment::VulkanSegment(Context& context, const Pipelines& pipelines, const VulkanStepBuffer& step,
                             std::string what, std::vector<Dispatch> dispatches,
                             std::vector<std::string> kernels)
    : context_(context),
      what_(std::move(what)),
      dispatches_(std::move(dispatches)),
      kernels_(std::move(kernels)) {
  if (context.options().shuffle_seed != 0) shuffle_groups(dispatches_, context.options().shuffle_seed);
  VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.queueFamilyIndex = context.capabilities().queue_family;
  const std::string doing = "recording " + what_;
  context.check(context.vk().vkCreateCommandPool(context.device(), &pool, nullptr, &pool_), doing);
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = pool_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  context.check(context.vk().vkAllocateCommandBuffers(context.device(), &info, &commands_), doing);
  record(pipelines, step);
}

VulkanSegment::~VulkanSegment() {
  if (lane_ != nullptr) lane_->settle(value_);
  if (!context_.abandoned()) context_.vk().vkDestroyCommandPool(context_.device(), pool_, nullptr);
}

void VulkanSegment::barrier(VkPipelineStageFlags from, VkAccessFlags written, VkPipelineStageFlags to,
                            VkAccessFlags read) {
  VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  memory.srcAccessMask = written;
  memory.dstAccessMask = read;
  context_.vk().vkCmdPipelineBarrier(commands_, from, to, 0, 1, &memory, 0, nullptr, 0, nullptr);
}

void VulkanSegment::record(const Pipelines& pipelines, const VulkanStepBuffer& step) {
  const VolkDeviceTable& vk = context_.vk();
  constexpr VkAccessFlags kShader = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  constexpr VkPipelineStageFlags kCompute = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
  context_.check(vk.vkBeginCommandBuffer(commands_, &begin), "recording " + what_);
  // After the lane's earlier segments and copies.
  barrier(VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_WRITE_BIT,
          kCompute | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT, kShader | VK_ACCESS_INDIRECT_COMMAND_READ_BIT);
  const Pipeline* bound = nullptr;
  for (const Dispatch& d : dispatches_) {
    if (d.barrier) barrier(kCompute, VK_ACCESS_SHADER_WRITE_BIT, kCompute, kShader);
    if (d.pipeline != bound)
      vk.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, d.pipeline->handle);
    bound = d.pipeline;
    vk.vkCmdPushConstants(commands_, pipelines.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, d.push_bytes,
                          d.push.data());
    vk.vkCmdDispatchIndirect(commands_, step.buffer(), d.grid_offset);
  }
  // What the host reads next.
  barrier(kCompute, VK_ACCESS_SHADER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  context_.check(vk.vkEndCommandBuffer(commands_), "recording " + what_);
}

}  // namespace yoke::vulkan
