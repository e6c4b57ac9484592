#include "devices/vulkan/memory.h"

#include <array>
#include <optional>

#include "base/error.h"

namespace yoke::vulkan {
namespace {

constexpr uint64_t kAddressAlignment = 256;  // device.h promises it

constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags kVisible =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;

struct Wish {
  VkMemoryPropertyFlags with = 0;
  VkMemoryPropertyFlags without = 0;
};

// The first wish that a memory type fulfils.
std::array<Wish, 3> wishes(MemoryUse use, bool shares_memory) {
  switch (use) {
    case MemoryUse::kDevice:
      // A GPU's host-visible window may be small: weights stay out of it.
      if (shares_memory) return {{{kLocal | kVisible | kCached, 0}, {kLocal | kVisible, 0}, {kLocal, 0}}};
      return {{{kLocal, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT}, {kLocal, 0}, {0, 0}}};
    case MemoryUse::kHostReads:
      return {{{kVisible | kCached, shares_memory ? 0 : kLocal}, {kVisible | kCached, 0}, {kVisible, 0}}};
    case MemoryUse::kHostWrites:
      return {{{kVisible | kLocal, 0}, {kVisible | kCached, 0}, {kVisible, 0}}};
  }
  return {};
}

std::optional<uint32_t> find_type(const VkPhysicalDeviceMemoryProperties& memory, uint32_t allowed,
                                  const Wish& wish) {
  for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = memory.memoryTypes[i].propertyFlags;
    if (((allowed >> i) & 1u) && (flags & wish.with) == wish.with && !(flags & wish.without)) return i;
  }
  return std::nullopt;
}

}  // namespace

Memory::Memory(Context& context, uint64_t bytes, MemoryUse use, const std::string& doing)
    : context_(context), bytes_(bytes) {
  const Capabilities& c = context.capabilities();
  if (bytes > c.info.max_buffer_bytes) {
    fail(ErrorKind::kDoesNotFit, doing,
         "one buffer of " + std::to_string(bytes) + " bytes is more than the device's " +
             std::to_string(c.info.max_buffer_bytes));
  }
  try {
    create_buffer(bytes + kAddressAlignment, false, doing);  // room to align the address
    VkMemoryRequirements need;
    context.vk().vkGetBufferMemoryRequirements(context.device(), buffer_, &need);
    std::optional<uint32_t> type;
    for (const Wish& wish : wishes(use, c.info.shares_memory)) {
      if (!type) type = find_type(c.memory, need.memoryTypeBits, wish);
    }
    if (!type) fail(ErrorKind::kRuntime, doing, "the device has no memory of the kind");
    VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    info.allocationSize = need.size;
    info.memoryTypeIndex = *type;
    bind(info, doing);
    const VkMemoryPropertyFlags flags = c.memory.memoryTypes[*type].propertyFlags;
    if ((flags & kVisible) == kVisible) {
      void* mapped = nullptr;
      context.check(context.vk().vkMapMemory(context.device(), memory_, 0, VK_WHOLE_SIZE, 0, &mapped), doing);
      mapped_ = static_cast<std::byte*>(mapped) + offset_;
    }
  } catch (...) {
    destroy();
    throw;
  }
}

Memory::Memory(Context& context, std::span<std::byte> host, const std::string& doing)
    : context_(context), bytes_(host.size()) {
  constexpr auto kHandle = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  try {
    create_buffer(host.size(), true, doing);
    VkMemoryRequirements need;
    context.vk().vkGetBufferMemoryRequirements(context.device(), buffer_, &need);
    VkMemoryHostPointerPropertiesEXT pointer{VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
    context.check(
        context.vk().vkGetMemoryHostPointerPropertiesEXT(context.device(), kHandle, host.data(), &pointer),
        doing);
    const auto type =
        find_type(context.capabilities().memory, need.memoryTypeBits & pointer.memoryTypeBits, {});
    if (!type || need.size > host.size()) fail(ErrorKind::kRuntime, doing, "memory that cannot be imported");
    VkImportMemoryHostPointerInfoEXT import{VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
    import.handleType = kHandle;
    import.pHostPointer = host.data();
    VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    info.pNext = &import;
    info.allocationSize = host.size();
    info.memoryTypeIndex = *type;
    bind(info, doing);
    mapped_ = host.data();
  } catch (...) {
    destroy();
    throw;
  }
}

void Memory::create_buffer(uint64_t bytes, bool imported, const std::string& doing) {
  VkExternalMemoryBufferCreateInfo external{VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO};
  external.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  if (imported) info.pNext = &external;
  info.size = bytes;
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
               VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
               VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;
  context_.check(context_.vk().vkCreateBuffer(context_.device(), &info, nullptr, &buffer_), doing);
}

void Memory::bind(VkMemoryAllocateInfo info, const std::string& doing) {
  VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO};
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  flags.pNext = info.pNext;
  info.pNext = &flags;
  context_.check(context_.allocate_memory(info, &memory_), doing);
  context_.check(context_.vk().vkBindBufferMemory(context_.device(), buffer_, memory_, 0), doing);
  VkBufferDeviceAddressInfo address{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
  address.buffer = buffer_;
  address_ = context_.vk().vkGetBufferDeviceAddress(context_.device(), &address);
  offset_ = (kAddressAlignment - address_ % kAddressAlignment) % kAddressAlignment;
  address_ += offset_;
}

void Memory::destroy() {
  if (context_.abandoned()) return;
  const VolkDeviceTable& vk = context_.vk();
  if (buffer_ != VK_NULL_HANDLE) vk.vkDestroyBuffer(context_.device(), buffer_, nullptr);
  if (memory_ != VK_NULL_HANDLE) vk.vkFreeMemory(context_.device(), memory_, nullptr);
  buffer_ = VK_NULL_HANDLE;
  memory_ = VK_NULL_HANDLE;
}

Memory::~Memory() {
  destroy();
}

}  // namespace yoke::vulkan
