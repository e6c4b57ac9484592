// What a hand-off GPU -> CPU -> GPU costs: a small dispatch, a small piece of host work on its result, a
// second dispatch on the host's result. Four ways, interleaved; the launch path of the device follows the
// fastest that is safe.
//
//   together      both dispatches in one submit, no host work between: what the hand-off is added to
//   early         both submits up front, the second waits for a value that the host signals
//   after         the second submit after the host work
//   polling       as `after`, but the host polls the semaphore's counter instead of sleeping on it
//
// bench_handoff [device index] [rounds]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "devices/vulkan/memory.h"
#include "devices/vulkan/pipelines.h"

namespace yoke::vulkan {
namespace {

using Clock = std::chrono::steady_clock;
constexpr uint32_t kFloats = 576;  // one row of SmolLM2's residual stream

class Bench {
 public:
  Bench(std::unique_ptr<Instance> instance, const Capabilities& device)
      : context_(std::move(instance), device, {}),
        pipelines_(context_),
        rows_(context_, 4 * kRowBytes, MemoryUse::kHostReads, "reserving rows") {
    std::memset(rows_.mapped(), 0, rows_.bytes());
    gpu_ = semaphore();
    host_ = semaphore();
    VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    pool.queueFamilyIndex = context_.capabilities().queue_family;
    context_.check(vk().vkCreateCommandPool(context_.device(), &pool, nullptr, &pool_), "opening");
    first_ = record({{0, 1}});   // row 1 = row 0 + row 0
    second_ = record({{2, 3}});  // row 3 = row 2 + row 2
    both_ = record({{0, 1}, {1, 3}});
  }
  ~Bench() {
    vk().vkDeviceWaitIdle(context_.device());
    vk().vkDestroyCommandPool(context_.device(), pool_, nullptr);
    vk().vkDestroySemaphore(context_.device(), gpu_, nullptr);
    vk().vkDestroySemaphore(context_.device(), host_, nullptr);
  }

  const std::string& description() const { return context_.capabilities().info.description; }

  void together() { wait(submit(both_, 0)); }
  void early() {
    const uint64_t first = submit(first_, 0);
    const uint64_t second = submit(second_, ++host_value_);
    wait(first);
    host_work();
    VkSemaphoreSignalInfo signal{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO};
    signal.semaphore = host_;
    signal.value = host_value_;
    context_.check(vk().vkSignalSemaphore(context_.device(), &signal), "signalling");
    wait(second);
  }
  void after() {
    wait(submit(first_, 0));
    host_work();
    wait(submit(second_, 0));
  }
  void polling() {
    poll(submit(first_, 0));
    host_work();
    poll(submit(second_, 0));
  }

 private:
  static constexpr uint64_t kRowBytes = kFloats * 4;

  const VolkDeviceTable& vk() const { return context_.vk(); }

  VkSemaphore semaphore() {
    VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
    VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
    info.pNext = &type;
    VkSemaphore made = VK_NULL_HANDLE;
    context_.check(vk().vkCreateSemaphore(context_.device(), &info, nullptr, &made), "opening");
    return made;
  }

  struct Doubling {
    uint32_t from, to;  // rows
  };
  VkCommandBuffer record(const std::vector<Doubling>& work) {
    VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    info.commandPool = pool_;
    info.commandBufferCount = 1;
    VkCommandBuffer c = VK_NULL_HANDLE;
    context_.check(vk().vkAllocateCommandBuffers(context_.device(), &info, &c), "recording");
    VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    context_.check(vk().vkBeginCommandBuffer(c, &begin), "recording");
    VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT;
    const auto fence = [&] {
      vk().vkCmdPipelineBarrier(c, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                                &barrier, 0, nullptr, 0, nullptr);
    };
    const Pipeline& add = pipelines_.get("add");
    vk().vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, add.handle);
    for (const Doubling& d : work) {
      fence();
      const struct {
        uint64_t a, b, result;
        uint32_t row_quads;
      } push{rows_.address() + d.from * kRowBytes, rows_.address() + d.from * kRowBytes,
             rows_.address() + d.to * kRowBytes, kFloats / 4};
      vk().vkCmdPushConstants(c, pipelines_.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, 28, &push);
      vk().vkCmdDispatch(c, 1, (kFloats / 4 + 63) / 64, 1);
    }
    fence();
    context_.check(vk().vkEndCommandBuffer(c), "recording");
    return c;
  }

  // host_value: what the host must have signalled before it starts; 0: nothing.
  uint64_t submit(VkCommandBuffer commands, uint64_t host_value) {
    const uint64_t signal = ++gpu_value_;
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    VkTimelineSemaphoreSubmitInfo timeline{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
    timeline.signalSemaphoreValueCount = 1;
    timeline.pSignalSemaphoreValues = &signal;
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    info.pNext = &timeline;
    if (host_value != 0) {
      timeline.waitSemaphoreValueCount = 1;
      timeline.pWaitSemaphoreValues = &host_value;
      info.waitSemaphoreCount = 1;
      info.pWaitSemaphores = &host_;
      info.pWaitDstStageMask = &stage;
    }
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    info.signalSemaphoreCount = 1;
    info.pSignalSemaphores = &gpu_;
    context_.check(context_.submit(info), "submitting");
    return signal;
  }
  void wait(uint64_t value) { context_.check(context_.wait(gpu_, value, 10'000'000'000), "waiting"); }
  void poll(uint64_t value) {
    for (uint64_t reached = 0; reached < value;) {
      context_.check(vk().vkGetSemaphoreCounterValue(context_.device(), gpu_, &reached), "polling");
    }
  }
  // Row 2 from row 1: what a CPU layer would do, made as small as can be.
  void host_work() { std::memcpy(rows_.mapped() + 2 * kRowBytes, rows_.mapped() + kRowBytes, kRowBytes); }

  Context context_;
  Pipelines pipelines_;
  Memory rows_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkCommandBuffer first_ = VK_NULL_HANDLE;
  VkCommandBuffer second_ = VK_NULL_HANDLE;
  VkCommandBuffer both_ = VK_NULL_HANDLE;
  VkSemaphore gpu_ = VK_NULL_HANDLE;
  VkSemaphore host_ = VK_NULL_HANDLE;
  uint64_t gpu_value_ = 0;
  uint64_t host_value_ = 0;
};

void measure(int index, int rounds) {
  auto instance = Instance::create(false, {});
  if (instance == nullptr) fail(ErrorKind::kUsage, "measuring hand-offs", "no Vulkan driver here");
  const auto devices = instance->physical_devices();
  if (index < 0 || static_cast<size_t>(index) >= devices.size()) {
    fail(ErrorKind::kUsage, "measuring hand-offs", "no such device");
  }
  const Capabilities device = inspect(devices[static_cast<size_t>(index)], index);
  Bench bench(std::move(instance), device);
  struct Way {
    const char* name;
    std::function<void()> run;
    std::vector<double> us;
  };
  std::vector<Way> ways = {{"together", [&] { bench.together(); }, {}},
                           {"early", [&] { bench.early(); }, {}},
                           {"after", [&] { bench.after(); }, {}},
                           {"polling", [&] { bench.polling(); }, {}}};
  for (Way& way : ways) way.run();  // pipelines are compiled at their first dispatch
  for (int round = 0; round < rounds; ++round) {
    for (Way& way : ways) {
      const auto start = Clock::now();
      way.run();
      way.us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
  }
  std::printf("%s, %d rounds, microseconds\n%-10s %10s %10s %10s\n", bench.description().c_str(), rounds,
              "way", "fastest", "median", "slowest 1%");
  for (Way& way : ways) {
    std::ranges::sort(way.us);
    std::printf("%-10s %10.1f %10.1f %10.1f\n", way.name, way.us.front(), way.us[way.us.size() / 2],
                way.us[way.us.size() * 99 / 100]);
  }
}

}  // namespace
}  // namespace yoke::vulkan

int main(int argc, char** argv) {
  try {
    yoke::vulkan::measure(argc > 1 ? std::atoi(argv[1]) : 0,
                          argc > 2 ? std::max(1, std::atoi(argv[2])) : 2000);
    return 0;
  } catch (const yoke::Error& e) {
    std::fprintf(stderr, "bench_handoff: %s\n", e.what());
    return e.exit_code();
  }
}
