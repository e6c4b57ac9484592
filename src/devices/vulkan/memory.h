// Memory of a Vulkan device: one VkBuffer with an allocation of its own, a device address and, where the host
// sees it, a pointer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "devices/device.h"
#include "devices/vulkan/context.h"

namespace yoke::vulkan {

enum class MemoryUse : uint8_t {
  kDevice,     // read and written by kernels; mapped where the device shares the host's memory
  kHostReads,  // staging: the host reads and writes it; cached where possible
  kHostWrites  // step inputs: the host writes, kernels read
};

class Memory {
 public:
  // Throws kDoesNotFit where the device has no more. Not zeroed.
  Memory(Context& context, uint64_t bytes, MemoryUse use, const std::string& doing);
  // The host's own memory, imported; throws where the driver refuses it.
  Memory(Context& context, std::span<std::byte> host, const std::string& doing);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  VkBuffer buffer() const { return buffer_; }
  // Where the first byte lies in buffer(): what makes the address a multiple of 256.
  uint64_t offset() const { return offset_; }
  uint64_t address() const { return address_; }
  uint64_t bytes() const { return bytes_; }
  std::byte* mapped() const { return mapped_; }  // null: not host-visible

 private:
  void create_buffer(uint64_t bytes, bool imported, const std::string& doing);
  void bind(VkMemoryAllocateInfo info, const std::string& doing);
  void destroy();

  Context& context_;
  uint64_t bytes_ = 0;
  uint64_t offset_ = 0;
  uint64_t address_ = 0;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  std::byte* mapped_ = nullptr;
};

// The contract's buffer; tells the device when it goes.
class VulkanBuffer final : public Buffer {
 public:
  VulkanBuffer(std::unique_ptr<Memory> memory, BufferUse use, bool hide_from_host,
               std::function<void()> on_release)
      : Buffer(memory->bytes(), use),
        memory_(std::move(memory)),
        hide_from_host_(hide_from_host),
        on_release_(std::move(on_release)) {}
  ~VulkanBuffer() override {
    memory_.reset();
    on_release_();
  }

  std::byte* host() override { return hide_from_host_ ? nullptr : memory_->mapped(); }
  uint64_t address() override { return memory_->address(); }
  Memory& memory() { return *memory_; }

 private:
  std::unique_ptr<Memory> memory_;
  bool hide_from_host_;
  std::function<void()> on_release_;
};

}  // namespace yoke::vulkan
