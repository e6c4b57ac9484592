#include "devices/reference/reference.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <utility>

#include "base/error.h"
#include "devices/reference/segment.h"

namespace yoke {
namespace {

using reference::ReferenceSegment;
using reference::ReferenceStep;

// Runs each launch at once, in the caller's thread; a failure is kept for the wait.
class ReferenceDevice : public Device {
 public:
  ReferenceDevice() {
    info_.name = "reference";
    info_.description = "scalar reference of every op (docs/numerics.md)";
    info_.kind = DeviceKind::kReference;
    info_.shares_memory = true;
    const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    info_.memory_bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page;
    info_.free_bytes = static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * page;
    info_.max_buffer_bytes = info_.memory_bytes;
  }

  const DeviceInfo& info() const override { return info_; }
  std::optional<std::string> unsupported(const OpShape& shape) const override;
  std::optional<std::string> not_bitwise(const OpShape&) const override { return std::nullopt; }

  std::unique_ptr<Buffer> allocate(uint64_t bytes, BufferUse use) override;
  std::unique_ptr<Buffer> wrap(std::span<std::byte> memory, BufferUse use) override;
  void write(Buffer& to, uint64_t offset, std::span<const std::byte> from) override;
  void read(Buffer& from, uint64_t offset, std::span<std::byte> to) override;

  std::unique_ptr<StepBuffer> make_step_buffer(const StepLimits& limits) override {
    return std::make_unique<ReferenceStep>(limits);
  }
  void write_step(StepBuffer& to, const StepInputs& inputs) override;
  std::unique_ptr<CompiledSegment> compile(const Program& program, const Segment& segment,
                                           const Bindings& bindings, StepBuffer& step) override {
    return std::make_unique<ReferenceSegment>(program, segment, bindings, dynamic_cast<ReferenceStep&>(step));
  }
  TimePoint launch(Lane lane, CompiledSegment& segment, std::span<const TimePoint> waits) override;
  void wait(Lane lane, uint64_t value) override;

 private:
  class HostBuffer;
  struct LaneState {
    uint64_t clock = 0;
    uint64_t failed_at = 0;  // 0: never
    std::exception_ptr failure;
  };

  DeviceInfo info_;
  std::array<LaneState, 3> lanes_;
};

// Its own memory, or memory that the host keeps alive.
class ReferenceDevice::HostBuffer : public Buffer {
 public:
  HostBuffer(ReferenceDevice& device, uint64_t bytes, BufferUse use, std::byte* memory, bool own)
      : Buffer(bytes, use), device_(device), memory_(memory), own_(own) {}
  ~HostBuffer() override {
    if (own_) std::free(memory_);
    device_.release(bytes(), use());
  }
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;
  std::byte* host() override { return memory_; }
  uint64_t address() override { return reinterpret_cast<uint64_t>(memory_); }

 private:
  ReferenceDevice& device_;
  std::byte* memory_;
  bool own_;
};

std::optional<std::string> ReferenceDevice::unsupported(const OpShape& shape) const {
  if (shape.op == nullptr) return std::nullopt;
  const bool cache = cache_read(*shape.op) != CacheId::kNone || cache_written(*shape.op) != CacheId::kNone;
  if (cache && shape.kv == KvType::kQ8_0 && shape.head_dim % 32 != 0) {
    return "a q8_0 cache needs heads of a multiple of 32";
  }
  return std::nullopt;
}

std::unique_ptr<Buffer> ReferenceDevice::allocate(uint64_t bytes, BufferUse use) {
  constexpr uint64_t kAlignment = 256;
  account(bytes, use);
  const uint64_t whole = (bytes / kAlignment + 1) * kAlignment;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kAlignment, whole));
  if (memory == nullptr) {
    release(bytes, use);
    fail(ErrorKind::kDoesNotFit, "reserving memory on reference",
         "the system refuses " + std::to_string(bytes) + " bytes");
  }
  std::memset(memory, 0, whole);
  return std::make_unique<HostBuffer>(*this, bytes, use, memory, true);
}

std::unique_ptr<Buffer> ReferenceDevice::wrap(std::span<std::byte> memory, BufferUse use) {
  account(memory.size(), use);
  return std::make_unique<HostBuffer>(*this, memory.size(), use, memory.data(), false);
}

void check_range(const Buffer& buffer, uint64_t offset, uint64_t bytes) {
  if (offset > buffer.bytes() || bytes > buffer.bytes() - offset) {
    fail(ErrorKind::kRuntime, "copying on reference",
         std::to_string(bytes) + " bytes at " + std::to_string(offset) + " are not inside a buffer of " +
             std::to_string(buffer.bytes()));
  }
}

void ReferenceDevice::write(Buffer& to, uint64_t offset, std::span<const std::byte> from) {
  check_range(to, offset, from.size());
  if (!from.empty()) std::memcpy(to.host() + offset, from.data(), from.size());
}

void ReferenceDevice::read(Buffer& from, uint64_t offset, std::span<std::byte> to) {
  check_range(from, offset, to.size());
  if (!to.empty()) std::memcpy(to.data(), from.host() + offset, to.size());
}

void ReferenceDevice::write_step(StepBuffer& to, const StepInputs& inputs) {
  auto& step = dynamic_cast<ReferenceStep&>(to);
  if (inputs.rows > step.limits.rows || inputs.wanted() > step.limits.wanted) {
    fail(ErrorKind::kRuntime, "writing the step on reference",
         std::to_string(inputs.rows) + " rows, " + std::to_string(inputs.wanted()) +
             " wanted, exceed the limits of " + std::to_string(step.limits.rows) + " and " +
             std::to_string(step.limits.wanted));
  }
  step.inputs = inputs;
}

TimePoint ReferenceDevice::launch(Lane lane, CompiledSegment& segment, std::span<const TimePoint> waits) {
  LaneState& state = lanes_[static_cast<size_t>(lane)];
  ++state.clock;
  // What follows a failure may have needed its results: skipped until a waiter has taken the failure.
  if (!state.failure) {
    try {
      for (const TimePoint& point : waits) yoke::wait(point);
      dynamic_cast<ReferenceSegment&>(segment).run();
    } catch (...) {
      state.failure = std::current_exception();
      state.failed_at = state.clock;
    }
  }
  return {this, lane, state.clock};
}

void ReferenceDevice::wait(Lane lane, uint64_t value) {
  LaneState& state = lanes_[static_cast<size_t>(lane)];
  if (value > state.clock) {
    fail(ErrorKind::kRuntime, "waiting on reference",
         "nothing was launched up to " + std::to_string(value) + "; the clock is at " +
             std::to_string(state.clock));
  }
  if (state.failure && value >= state.failed_at)
    std::rethrow_exception(std::exchange(state.failure, nullptr));
}

}  // namespace

std::unique_ptr<Device> make_reference_device() {
  return std::make_unique<ReferenceDevice>();
}

}  // namespace yoke
