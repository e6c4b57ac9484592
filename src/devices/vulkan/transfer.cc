#include "devices/vulkan/transfer.h"

#include <algorithm>
#include <cstring>

namespace yoke::vulkan {
namespace {

// Everything before is done and seen by everything after, the host included.
void full_barrier(const VolkDeviceTable& vk, VkCommandBuffer commands) {
  VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT | VK_ACCESS_HOST_READ_BIT;
  vk.vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                          VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0,
                          nullptr, 0, nullptr);
}

}  // namespace

Transfer::Transfer(Context& context) : context_(context), timeline_(context) {
  const std::string doing = "opening " + context.name();
  VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  pool.queueFamilyIndex = context.capabilities().queue_family;
  context.check(context.vk().vkCreateCommandPool(context.device(), &pool, nullptr, &pool_), doing);
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = pool_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  context.check(context.vk().vkAllocateCommandBuffers(context.device(), &info, &commands_), doing);
}

Transfer::~Transfer() {
  if (!context_.abandoned()) context_.vk().vkDestroyCommandPool(context_.device(), pool_, nullptr);
}

Memory& Transfer::staging() {
  if (!staging_) {
    staging_ = std::make_unique<Memory>(context_, kStagingBytes, MemoryUse::kHostReads,
                                        "reserving the staging buffer of " + context_.name());
  }
  return *staging_;
}

void Transfer::run(const std::function<void(VkCommandBuffer)>& record, const char* what) {
  const VolkDeviceTable& vk = context_.vk();
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  context_.check(vk.vkBeginCommandBuffer(commands_, &begin), what);
  full_barrier(vk, commands_);
  record(commands_);
  full_barrier(vk, commands_);
  context_.check(vk.vkEndCommandBuffer(commands_), what);
  timeline_.wait(timeline_.submit(commands_, {}, what));
}

void Transfer::upload(Memory& to, uint64_t offset, std::span<const std::byte> from) {
  Memory& stage = staging();
  for (uint64_t done = 0; done < from.size(); done += kStagingBytes) {
    const uint64_t bytes = std::min(kStagingBytes, from.size() - done);
    std::memcpy(stage.mapped(), from.data() + done, bytes);
    const VkBufferCopy region{stage.offset(), to.offset() + offset + done, bytes};
    run([&](VkCommandBuffer c) { context_.vk().vkCmdCopyBuffer(c, stage.buffer(), to.buffer(), 1, &region); },
        "a copy to the device");
  }
}

void Transfer::download(Memory& from, uint64_t offset, std::span<std::byte> to) {
  Memory& stage = staging();
  for (uint64_t done = 0; done < to.size(); done += kStagingBytes) {
    const uint64_t bytes = std::min(kStagingBytes, to.size() - done);
    const VkBufferCopy region{from.offset() + offset + done, stage.offset(), bytes};
    run(
        [&](VkCommandBuffer c) {
          context_.vk().vkCmdCopyBuffer(c, from.buffer(), stage.buffer(), 1, &region);
        },
        "a copy from the device");
    std::memcpy(to.data() + done, stage.mapped(), bytes);
  }
}

void Transfer::zero(Memory& memory) {
  run([&](VkCommandBuffer c) { context_.vk().vkCmdFillBuffer(c, memory.buffer(), 0, VK_WHOLE_SIZE, 0); },
      "zeroing a buffer");
}

}  // namespace yoke::vulkan
