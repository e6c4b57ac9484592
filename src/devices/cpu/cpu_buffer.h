// Memory of the CPU device: zeroed, aligned, in huge pages where it is large.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "devices/device.h"

namespace yoke::cpu {

class CpuBuffer : public Buffer {
 public:
  // Owns `bytes` of fresh memory; throws kDoesNotFit when the system has none.
  CpuBuffer(uint64_t bytes, BufferUse use, std::function<void()> on_free);
  // A view of memory that the caller keeps alive.
  CpuBuffer(std::span<std::byte> memory, BufferUse use, std::function<void()> on_free);
  ~CpuBuffer() override;
  CpuBuffer(const CpuBuffer&) = delete;
  CpuBuffer& operator=(const CpuBuffer&) = delete;

  std::byte* host() override { return data_; }
  uint64_t address() override { return reinterpret_cast<uint64_t>(data_); }

 private:
  std::byte* data_ = nullptr;
  void* mapping_ = nullptr;  // null: not ours
  uint64_t mapped_bytes_ = 0;
  std::function<void()> on_free_;  // takes the bytes off the device's account
};

}  // namespace yoke::cpu
