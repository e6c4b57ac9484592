#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "devices/vulkan/canary.h"
#include "devices/vulkan/shaders.h"
#include "devices/vulkan/vulkan.h"
#include "devices/vulkan/vulkan_device.h"

namespace yoke {
namespace vulkan {
namespace {

constexpr int32_t kMaxHeadDim = 256;  // shaders/attention.comp

std::string ops_text(const Segment& segment) {
  std::string text = "segment " + segment.name;
  if (segment.ops.empty()) return text;
  return text + " (ops 0.." + std::to_string(segment.ops.size() - 1) + ": " +
         std::string(op_name(segment.ops.front().op)) + " .. " + std::string(op_name(segment.ops.back().op)) +
         ")";
}

// What decides how the kernels come out: device, driver, shaders, and which of them are chosen.
std::string kernels_id(const Context& context) {
  const Capabilities& c = context.capabilities();
  return std::string(c.properties.deviceName) + ", " + std::to_string(c.properties.vendorID) + ":" +
         std::to_string(c.properties.deviceID) + ", driver " + c.driver + ", shaders " +
         shaders_hash(context.options().alter_shader) + (context.gpu_kernels() ? ", gpu" : ", processor") +
         (context.use_integer_dot() ? ", dot" : "") + ", floats" + text_of(c.float_controls);
}

void check_range(const Buffer& buffer, uint64_t offset, uint64_t bytes, const char* doing) {
  if (offset > buffer.bytes() || bytes > buffer.bytes() - offset) {
    fail(ErrorKind::kRuntime, doing, "past the end of its buffer");
  }
}

}  // namespace

VulkanDevice::VulkanDevice(std::unique_ptr<Instance> instance, Capabilities capabilities,
                           const VulkanOptions& options)
    : context_(std::move(instance), std::move(capabilities), options), info_(context_.capabilities().info) {
  info_.kernels_id = kernels_id(context_);
  for (auto& lane : lanes_) lane = std::make_unique<Timeline>(context_);
  transfer_ = std::make_unique<Transfer>(context_);
  pipelines_ = std::make_unique<Pipelines>(context_);
  check_driver(context_, *pipelines_, *transfer_);
  // Where copies will need staging it is taken now: plans count what a device holds when it has been opened.
  const bool visible =
      Memory(context_, 256, MemoryUse::kDevice, "opening " + context_.name()).mapped() != nullptr;
  if (!visible || options.force_staging) transfer_->reserve();
}

VulkanDevice::~VulkanDevice() {
  // Work may be in flight; on a lost device it may end or not, and then the device is left behind.
  for (const auto& lane : lanes_) lane->settle(lane->last());
  transfer_->settle();
}

std::optional<std::string> VulkanDevice::unsupported(const OpShape& shape) const {
  if (shape.op == nullptr) return std::nullopt;
  const bool product =
      std::holds_alternative<Linear>(*shape.op) || std::holds_alternative<GatedLinear>(*shape.op);
  if (product && shape.layout != Layout::kPanel16) return "its products want weights in panels";
  if (std::holds_alternative<Attention>(*shape.op)) {
    if (shape.head_dim > kMaxHeadDim) return "its attention takes heads of at most 256 dimensions";
    if (shape.kv == KvType::kQ8_0 && shape.head_dim % 32 != 0)
      return "q8_0 caches want heads of 32 dimensions";
  }
  return refusal(shape);
}

std::optional<std::string> VulkanDevice::not_bitwise(const OpShape&) const {
  return std::nullopt;
}

std::unique_ptr<Buffer> VulkanDevice::allocate(uint64_t bytes, BufferUse use) {
  account(bytes, use);
  try {
    const MemoryUse memory_use = use == BufferUse::kStaging ? MemoryUse::kHostReads : MemoryUse::kDevice;
    auto memory = std::make_unique<Memory>(context_, bytes, memory_use,
                                           "reserving " + std::to_string(bytes) + " bytes on " + info().name);
    if (memory->mapped() != nullptr) {
      std::memset(memory->mapped(), 0, bytes);
    } else {
      transfer_->zero(*memory);
    }
    const bool hide = context_.options().force_staging && use != BufferUse::kStaging;
    return std::make_unique<VulkanBuffer>(std::move(memory), use, hide,
                                          [this, bytes, use] { release(bytes, use); });
  } catch (...) {
    release(bytes, use);
    throw;
  }
}

std::unique_ptr<Buffer> VulkanDevice::wrap(std::span<std::byte> memory, BufferUse use) {
  const Capabilities& c = context_.capabilities();
  const auto start = reinterpret_cast<uintptr_t>(memory.data());
  if (!c.host_import || memory.empty() || context_.options().force_staging ||
      start % c.import_alignment != 0 || memory.size() % c.import_alignment != 0 ||
      memory.size() > c.info.max_buffer_bytes) {
    return nullptr;
  }
  std::unique_ptr<Memory> imported;
  try {
    imported = std::make_unique<Memory>(context_, memory, "importing host memory");
  } catch (const Error&) {
    return nullptr;  // drivers may refuse what they do not like; the caller copies instead
  }
  account(memory.size(), use);
  return std::make_unique<VulkanBuffer>(std::move(imported), use, false,
                                        [this, bytes = memory.size(), use] { release(bytes, use); });
}

void VulkanDevice::write(Buffer& to, uint64_t offset, std::span<const std::byte> from) {
  check_range(to, offset, from.size(), "writing to a Vulkan buffer");
  if (from.empty()) return;
  if (std::byte* host = to.host()) {
    std::memcpy(host + offset, from.data(), from.size());
  } else {
    transfer_->upload(static_cast<VulkanBuffer&>(to).memory(), offset, from);
  }
}

void VulkanDevice::read(Buffer& from, uint64_t offset, std::span<std::byte> to) {
  check_range(from, offset, to.size(), "reading a Vulkan buffer");
  if (to.empty()) return;
  if (const std::byte* host = from.host()) {
    std::memcpy(to.data(), host + offset, to.size());
  } else {
    transfer_->download(static_cast<VulkanBuffer&>(from).memory(), offset, to);
  }
}

std::unique_ptr<StepBuffer> VulkanDevice::make_step_buffer(const StepLimits& limits) {
  const uint64_t bytes = VulkanStepBuffer::bytes_for(limits);
  account(bytes, BufferUse::kStaging);
  try {
    return std::make_unique<VulkanStepBuffer>(context_, limits,
                                              [this, bytes] { release(bytes, BufferUse::kStaging); });
  } catch (...) {
    release(bytes, BufferUse::kStaging);
    throw;
  }
}

uint64_t VulkanDevice::step_buffer_bytes(const StepLimits& limits) const {
  return VulkanStepBuffer::bytes_for(limits);
}

void VulkanDevice::write_step(StepBuffer& to, const StepInputs& inputs) {
  static_cast<VulkanStepBuffer&>(to).write(inputs);
}

std::unique_ptr<CompiledSegment> VulkanDevice::compile(const Program& program, const Segment& segment,
                                                       const Bindings& bindings, StepBuffer& step) {
  auto& inputs = static_cast<VulkanStepBuffer&>(step);
  Recorder recorder({program, bindings, inputs, *pipelines_, context_});
  for (const ProgramOp& op : segment.ops) recorder.add(op);
  auto compiled =
      std::make_unique<VulkanSegment>(context_, *pipelines_, inputs, ops_text(segment),
                                      std::move(recorder.dispatches()), std::move(recorder.kernels()));
  // Some drivers compile at the first dispatch: one run with no workgroups, so that no step pays for it.
  if (!inputs.written() && pipelines_->grown()) {
    const TimePoint warm = launch(Lane::kCompute, *compiled, {});
    wait(warm.lane, warm.value);
    pipelines_->warmed();
  }
  return compiled;
}

// Submitted after the host work it waits for: submitting early and signalling from the host gained nothing
// where it was measured (bench/handoff).
TimePoint VulkanDevice::launch(Lane lane, CompiledSegment& segment, std::span<const TimePoint> waits) {
  std::vector<SemaphorePoint> own;
  for (const TimePoint& w : waits) {
    if (w.device == this) {
      own.push_back({timeline(w.lane).semaphore(), w.value});
    } else {
      yoke::wait(w);
    }
  }
  auto& compiled = static_cast<VulkanSegment&>(segment);
  const uint64_t value = timeline(lane).submit(compiled.commands(), own, compiled.what());
  compiled.launched(timeline(lane), value);
  return {this, lane, value};
}

void VulkanDevice::wait(Lane lane, uint64_t value) {
  timeline(lane).wait(value);
}

}  // namespace vulkan

namespace {

// The usable devices of the machine, numbered in the loader's order.
std::vector<vulkan::Capabilities> usable(const vulkan::Instance& instance) {
  std::vector<vulkan::Capabilities> all;
  for (const VkPhysicalDevice physical : instance.physical_devices()) {
    vulkan::Capabilities c = vulkan::inspect(physical, static_cast<int>(all.size()));
    if (!c.unusable) all.push_back(std::move(c));
  }
  return all;
}

}  // namespace

std::vector<DeviceInfo> list_vulkan_devices() {
  std::vector<DeviceInfo> infos;
  const auto instance = vulkan::Instance::create(false, {});
  if (instance == nullptr) return infos;
  for (const vulkan::Capabilities& c : usable(*instance)) infos.push_back(c.info);
  return infos;
}

std::unique_ptr<Device> make_vulkan_device(int index, const VulkanOptions& options) {
  const std::string doing = "opening vulkan:" + std::to_string(index);
  auto instance = vulkan::Instance::create(options.validation, options.on_message);
  if (instance == nullptr)
    fail(ErrorKind::kUsage, doing, "no Vulkan loader or driver was found on this machine");
  std::vector<vulkan::Capabilities> all = usable(*instance);
  if (index < 0 || static_cast<size_t>(index) >= all.size()) {
    fail(ErrorKind::kUsage, doing,
         "there are " + std::to_string(all.size()) + " usable Vulkan devices (yoke devices lists them)");
  }
  return std::make_unique<vulkan::VulkanDevice>(std::move(instance),
                                                std::move(all[static_cast<size_t>(index)]), options);
}

}  // namespace yoke
