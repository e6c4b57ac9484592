#include "devices/vulkan/canary.h"

#include <cstring>

#include "base/error.h"

namespace yoke::vulkan {

void check_driver(Context& context, Pipelines& pipelines, Transfer& transfer) {
  constexpr uint32_t kSide = 300;
  constexpr uint32_t kInvocations = 64;
  const std::string doing = "checking the driver of " + context.name();
  const Pipeline& canary = pipelines.get("canary");
  Memory result(context, kInvocations * 4, MemoryUse::kHostReads, doing);
  std::memset(result.mapped(), 0, result.bytes());
  struct {
    uint64_t result;
    uint32_t side;
  } push{result.address(), kSide};
  transfer.run(
      [&](VkCommandBuffer c) {
        const VolkDeviceTable& vk = context.vk();
        vk.vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, canary.handle);
        vk.vkCmdPushConstants(c, pipelines.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, 12, &push);
        vk.vkCmdDispatch(c, 1, 1, 1);
      },
      "the driver check");
  for (uint32_t i = 0; i < kInvocations; ++i) {
    uint32_t count = 0;
    std::memcpy(&count, result.mapped() + 4 * i, 4);
    if (count == kSide * kSide) continue;
    fail(ErrorKind::kRuntime, doing,
         "a loop of 300 x 300 ran " + std::to_string(count) +
             " times instead of 90000: the driver cuts long loops (Mesa's lavapipe before 24.1 does; install "
             "a "
             "newer one). It is " +
             context.capabilities().info.description);
  }
}

}  // namespace yoke::vulkan
