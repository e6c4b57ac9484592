// A device that keeps its memory in plain arrays, counts what it is asked for and runs nothing.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "devices/device.h"

namespace yoke::test {

class FakeDevice : public Device {
 public:
  explicit FakeDevice(DeviceInfo info) : info_(std::move(info)) {}

  static DeviceInfo cpu() { return described("cpu", DeviceKind::kCpu); }
  static DeviceInfo gpu(int index = 0) {
    return described("vulkan:" + std::to_string(index), DeviceKind::kVulkan);
  }

  const DeviceInfo& info() const override { return info_; }
  std::optional<std::string> unsupported(const OpShape&) const override { return std::nullopt; }
  std::optional<std::string> not_bitwise(const OpShape&) const override { return std::nullopt; }

  std::unique_ptr<Buffer> allocate(uint64_t bytes, BufferUse use) override {
    account(bytes, use);
    ++allocations;
    return std::make_unique<FakeBuffer>(*this, bytes, use);
  }
  std::unique_ptr<Buffer> wrap(std::span<std::byte> memory, BufferUse use) override {
    if (!can_wrap) return nullptr;
    account(memory.size(), use);
    return std::make_unique<FakeBuffer>(*this, memory, use);
  }
  void write(Buffer& to, uint64_t offset, std::span<const std::byte> from) override {
    check_inside(offset + from.size() <= to.bytes());
    std::memcpy(memory(to) + offset, from.data(), from.size());
    ++writes;
  }
  void read(Buffer& from, uint64_t offset, std::span<std::byte> to) override {
    check_inside(offset + to.size() <= from.bytes());
    std::memcpy(to.data(), memory(from) + offset, to.size());
  }

  std::unique_ptr<StepBuffer> make_step_buffer(const StepLimits&) override { return nullptr; }
  void write_step(StepBuffer&, const StepInputs&) override {}
  std::unique_ptr<CompiledSegment> compile(const Program&, const Segment&, const Bindings&,
                                           StepBuffer&) override {
    return nullptr;
  }
  TimePoint launch(Lane lane, CompiledSegment&, std::span<const TimePoint>) override {
    return {this, lane, 0};
  }
  void wait(Lane, uint64_t) override {}

  int allocations = 0;
  int writes = 0;
  bool can_wrap = true;

 private:
  class FakeBuffer : public Buffer {
   public:
    FakeBuffer(FakeDevice& device, uint64_t bytes, BufferUse use)
        : Buffer(bytes, use),
          device_(device),
          own_(static_cast<std::byte*>(::operator new (bytes + 1, std::align_val_t{256}))),
          memory_(own_) {
      std::memset(own_, 0, bytes);
    }
    FakeBuffer(FakeDevice& device, std::span<std::byte> memory, BufferUse use)
        : Buffer(memory.size(), use), device_(device), memory_(memory.data()) {}
    ~FakeBuffer() override {
      if (own_) ::operator delete (own_, std::align_val_t{256});
      device_.release(bytes(), use());
    }
    std::byte* host() override { return is_host(device_.info().kind) ? memory_ : nullptr; }
    uint64_t address() override { return reinterpret_cast<uint64_t>(memory_); }
    std::byte* memory() { return memory_; }

   private:
    FakeDevice& device_;
    std::byte* own_ = nullptr;
    std::byte* memory_;
  };

  static DeviceInfo described(std::string name, DeviceKind kind) {
    DeviceInfo info;
    info.name = std::move(name);
    info.kind = kind;
    return info;
  }
  static std::byte* memory(Buffer& buffer) { return static_cast<FakeBuffer&>(buffer).memory(); }
  static void check_inside(bool inside) {
    if (!inside) fail(ErrorKind::kRuntime, "copying", "it goes past the buffer");
  }

  DeviceInfo info_;
};

}  // namespace yoke::test
