#include "devices/vulkan/context.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "base/error.h"

namespace yoke::vulkan {
namespace {

// A buffer's addresses stay within 32 bits of its start.
constexpr uint64_t kMaxBufferBytes = (uint64_t{4} << 30) - 4096;

bool has_extension(const std::vector<VkExtensionProperties>& all, const char* name) {
  return std::ranges::any_of(
      all, [&](const VkExtensionProperties& e) { return std::strcmp(e.extensionName, name) == 0; });
}

std::vector<VkExtensionProperties> extensions_of(VkPhysicalDevice physical) {
  uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> all(count);
  vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, all.data());
  all.resize(count);
  return all;
}

std::optional<uint32_t> compute_family(VkPhysicalDevice physical) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families.data());
  for (uint32_t i = 0; i < count; ++i) {
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) return i;
  }
  return std::nullopt;
}

// The features that every kernel needs, as the structures that ask for and enable them.
struct Features {
  VkPhysicalDeviceFeatures2 core{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  VkPhysicalDeviceVulkan11Features v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};

  // The structures point to each other, so they stay where they are.
  explicit Features(bool with_dot) {
    core.pNext = &v11;
    v11.pNext = &v12;
    if (with_dot) v12.pNext = &dot;
  }
  Features(const Features&) = delete;
  Features& operator=(const Features&) = delete;

  struct Wanted {
    VkBool32* flag;
    const char* name;
  };
  std::vector<Wanted> wanted() {
    return {{&core.features.shaderInt64, "shaderInt64"},
            {&core.features.shaderInt16, "shaderInt16"},
            {&v11.storageBuffer16BitAccess, "storageBuffer16BitAccess"},
            {&v12.storageBuffer8BitAccess, "storageBuffer8BitAccess"},
            {&v12.shaderInt8, "shaderInt8"},
            {&v12.bufferDeviceAddress, "bufferDeviceAddress"},
            {&v12.timelineSemaphore, "timelineSemaphore"}};
  }
};

std::string version_text(uint32_t version) {
  return std::to_string(VK_VERSION_MAJOR(version)) + "." + std::to_string(VK_VERSION_MINOR(version)) + "." +
         std::to_string(VK_VERSION_PATCH(version));
}

void inspect_memory(Capabilities& c) {
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 memory{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  if (c.memory_budget) memory.pNext = &budget;
  vkGetPhysicalDeviceMemoryProperties2(c.physical, &memory);
  c.memory = memory.memoryProperties;
  for (uint32_t i = 0; i < c.memory.memoryHeapCount; ++i) {
    if (!(c.memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)) continue;
    const uint64_t size = c.memory.memoryHeaps[i].size;
    if (size <= c.info.memory_bytes) continue;
    c.info.memory_bytes = size;
    const uint64_t used = budget.heapUsage[i];
    c.info.free_bytes = c.memory_budget ? budget.heapBudget[i] - std::min(budget.heapBudget[i], used) : size;
  }
}

void inspect_features(Capabilities& c, const std::vector<VkExtensionProperties>& extensions) {
  const bool dot = has_extension(extensions, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  Features features(dot);
  vkGetPhysicalDeviceFeatures2(c.physical, &features.core);
  for (const Features::Wanted& w : features.wanted()) {
    if (!*w.flag) c.unusable = std::string("it lacks ") + w.name;
  }
  c.integer_dot_extension = dot && features.dot.shaderIntegerDotProduct;
}

}  // namespace

const char* result_name(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "out of host memory";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "out of device memory";
    case VK_ERROR_DEVICE_LOST:
      return "device lost";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "initialization failed";
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "too many objects";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "feature not present";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return "extension not present";
    case VK_ERROR_INVALID_EXTERNAL_HANDLE:
      return "memory that cannot be imported";
    case VK_TIMEOUT:
      return "timed out";
    default:
      return "unknown Vulkan error";
  }
}

Capabilities inspect(VkPhysicalDevice physical, int index) {
  Capabilities c;
  c.physical = physical;
  vkGetPhysicalDeviceProperties(physical, &c.properties);
  c.info.name = "vulkan:" + std::to_string(index);
  c.info.kind = DeviceKind::kVulkan;
  c.info.software = c.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  c.info.shares_memory = c.info.software || c.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
  c.info.description = c.properties.deviceName;
  if (c.properties.apiVersion < VK_API_VERSION_1_2) {
    c.unusable = "it has Vulkan " + version_text(c.properties.apiVersion) + ", 1.2 is needed";
    return c;
  }
  const std::vector<VkExtensionProperties> extensions = extensions_of(physical);
  c.memory_budget = has_extension(extensions, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  c.host_import = has_extension(extensions, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
  inspect_features(c, extensions);
  if (const auto family = compute_family(physical)) {
    c.queue_family = *family;
  } else {
    c.unusable = "it has no compute queue";
  }

  VkPhysicalDeviceVulkan11Properties v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES};
  VkPhysicalDeviceVulkan12Properties v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES};
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT import{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
  VkPhysicalDeviceShaderIntegerDotProductProperties dot{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES};
  VkPhysicalDeviceProperties2 properties{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  properties.pNext = &v11;
  v11.pNext = &v12;
  if (c.host_import) {
    import.pNext = v12.pNext;
    v12.pNext = &import;
  }
  if (c.integer_dot_extension) {
    dot.pNext = v12.pNext;
    v12.pNext = &dot;
  }
  vkGetPhysicalDeviceProperties2(physical, &properties);
  c.subgroup_size = v11.subgroupSize;
  c.info.max_buffer_bytes =
      std::min(kMaxBufferBytes, uint64_t{v11.maxMemoryAllocationSize} & ~uint64_t{4095});
  c.import_alignment = import.minImportedHostPointerAlignment;
  c.integer_dot = c.integer_dot_extension && dot.integerDotProduct4x8BitPackedSignedAccelerated;
  // Kernels name a mode for 32-bit floats alone, which a device that treats all widths alike does not allow.
  constexpr VkShaderFloatControlsIndependence kAlike = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;
  c.float_controls = {
      .denormals = v12.shaderDenormPreserveFloat32 == VK_TRUE && v12.denormBehaviorIndependence != kAlike,
      .zeros_infinities_nan = v12.shaderSignedZeroInfNanPreserveFloat32 == VK_TRUE,
      .round_to_even = v12.shaderRoundingModeRTEFloat32 == VK_TRUE && v12.roundingModeIndependence != kAlike};
  c.workgroup_memory_bytes = c.properties.limits.maxComputeSharedMemorySize;
  c.max_groups = c.properties.limits.maxComputeWorkGroupCount[1];
  c.info.description += ", " + std::string(v12.driverInfo[0] ? v12.driverInfo : v12.driverName);
  c.driver = std::to_string(v12.driverID) + " " + v12.driverName + " " + v12.driverInfo + " " +
             std::to_string(c.properties.driverVersion);
  inspect_memory(c);
  return c;
}

Context::Context(std::unique_ptr<Instance> instance, Capabilities capabilities, const VulkanOptions& options)
    : instance_(std::move(instance)), capabilities_(std::move(capabilities)), options_(options) {
  wait_timeout_s_ = options.wait_timeout_s > 0    ? options.wait_timeout_s
                    : capabilities_.info.software ? 3600.0
                                                  : 120.0;
  create_device();
}

Context::~Context() {
  if (abandoned()) {
    static_cast<void>(instance_.release());  // the device still uses it
  } else if (device_ != VK_NULL_HANDLE) {
    vk_.vkDestroyDevice(device_, nullptr);
  }
}

void Context::create_device() {
  const std::string doing = "opening " + name();
  if (capabilities_.unusable) fail(ErrorKind::kUsage, doing, *capabilities_.unusable);
  using Dot = VulkanOptions::IntegerDot;
  use_integer_dot_ = options_.integer_dot == Dot::kAlways ||
                     (options_.integer_dot == Dot::kAuto && capabilities_.integer_dot);
  if (use_integer_dot_ && !capabilities_.integer_dot_extension) {
    fail(ErrorKind::kUsage, doing, "the device has no integer dot product");
  }
  Features features(use_integer_dot_);
  for (const Features::Wanted& w : features.wanted()) *w.flag = VK_TRUE;
  features.dot.shaderIntegerDotProduct = VK_TRUE;
  std::vector<const char*> extensions;
  if (use_integer_dot_) extensions.push_back(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  if (capabilities_.memory_budget) extensions.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  if (capabilities_.host_import) extensions.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);

  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = capabilities_.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.pNext = &features.core;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  check(vkCreateDevice(capabilities_.physical, &info, nullptr, &device_), doing);
  volkLoadDeviceTable(&vk_, device_);
  vk_.vkGetDeviceQueue(device_, capabilities_.queue_family, 0, &queue_);
}

namespace {
// True when the call is the one that shall fail.
bool due(std::atomic<int>* countdown) {
  if (countdown == nullptr || countdown->load() == 0) return false;
  return countdown->fetch_sub(1) == 1;
}
}  // namespace

VkResult Context::allocate_memory(const VkMemoryAllocateInfo& info, VkDeviceMemory* memory) const {
  if (due(options_.faults ? &options_.faults->allocation : nullptr)) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  return vk_.vkAllocateMemory(device_, &info, nullptr, memory);
}

VkResult Context::submit(const VkSubmitInfo& info) {
  if (due(options_.faults ? &options_.faults->submit : nullptr)) return VK_ERROR_DEVICE_LOST;
  const std::lock_guard lock(queue_mutex_);
  return vk_.vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE);
}

VkResult Context::wait(VkSemaphore semaphore, uint64_t value, uint64_t timeout_ns) const {
  if (due(options_.faults ? &options_.faults->wait : nullptr)) return VK_ERROR_DEVICE_LOST;
  if (due(options_.faults ? &options_.faults->stuck_wait : nullptr)) stuck_.store(true);
  if (stuck_.load()) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(timeout_ns));
    return VK_TIMEOUT;
  }
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore;
  info.pValues = &value;
  return vk_.vkWaitSemaphores(device_, &info, timeout_ns);
}

void Context::check(VkResult result, const std::string& doing) const {
  if (result == VK_SUCCESS) return;
  if (result == VK_ERROR_DEVICE_LOST) lost_.store(true);
  const bool memory = result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY;
  fail(memory ? ErrorKind::kDoesNotFit : ErrorKind::kRuntime, doing, result_name(result));
}

}  // namespace yoke::vulkan
