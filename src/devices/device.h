// The contract of every device: buffers, compiled segments, launches in order on lanes, and clocks to wait
// on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ops/op.h"
#include "program/net.h"
#include "program/placement_data.h"
#include "program/program.h"
#include "program/step_inputs.h"
#include "tensor/layout.h"

namespace yoke {

class Device;

enum class BufferUse : uint8_t { kWeights, kCache, kScratch, kStaging };
inline constexpr int kBufferUses = 4;

struct DeviceInfo {
  std::string name;         // "vulkan:0": what the user types
  std::string description;  // "llvmpipe (LLVM 19.1.7, 512 bits), Mesa 25.0.7"
  DeviceKind kind = DeviceKind::kCpu;
  bool software = false;       // a Vulkan device of type CPU: never chosen by itself
  bool shares_memory = false;  // with the system: counted once
  uint64_t memory_bytes = 0;   // what it has
  uint64_t free_bytes = 0;     // what it had when it was opened
  uint64_t max_buffer_bytes = 0;
  // What the outcome of its self-test depends on: device, driver, kernels. Empty: it checks its kernels
  // itself.
  std::string kernels_id{};
};

// Memory of a device. Freed when destroyed; outlives every compiled segment that names it.
class Buffer {
 public:
  virtual ~Buffer() = default;
  uint64_t bytes() const { return bytes_; }
  BufferUse use() const { return use_; }
  // Where the host may read and write it; null for memory that only the device sees.
  virtual std::byte* host() = 0;
  // What the device's kernels are given: a pointer on the CPU, a buffer device address on Vulkan.
  virtual uint64_t address() = 0;

 protected:
  Buffer(uint64_t bytes, BufferUse use) : bytes_(bytes), use_(use) {}

 private:
  uint64_t bytes_;
  BufferUse use_;
};

// Where a Program's ids lie on the segment's device. Vectors are as long as the Program's.
struct BoundValue {
  Buffer* buffer = nullptr;  // null where the segment does not use it
  uint64_t offset = 0;
};
struct BoundWeight {
  Buffer* buffer = nullptr;
  uint64_t offset = 0;
  DType type = DType::kF32;  // vectors: kF32
  Layout layout = Layout::kStored;
  int64_t rows = 0;
  int64_t cols = 0;
};
struct BoundCache {
  Buffer* buffer = nullptr;
  uint64_t offset = 0;
  int32_t kv_heads = 0;
  int32_t head_dim = 0;
  KvType type = KvType::kF16;
  int32_t blocks = 0;
};
struct Bindings {
  std::vector<BoundValue> values;
  std::vector<BoundWeight> weights;
  std::vector<BoundCache> caches;
};

// Bytes of one cache block (32 positions, K then V), and of its K part alone (docs/layouts.md).
uint64_t kv_block_bytes(KvType type, int32_t kv_heads, int32_t head_dim);
uint64_t k_block_bytes(KvType type, int32_t kv_heads, int32_t head_dim);
std::string_view name(KvType type);  // "f16"

// The step's inputs where the device's kernels read them.
class StepBuffer {
 public:
  virtual ~StepBuffer() = default;
};

// One segment ready to run on one device: resolved addresses, chosen kernels, recorded commands.
class CompiledSegment {
 public:
  virtual ~CompiledSegment() = default;
  // Which kernel runs each op, for `yoke plan`: "avx512vnni panel16 q4_1". [ops]
  virtual std::vector<std::string> kernels() const = 0;
};

enum class Lane : uint8_t { kCompute, kCopyIn, kCopyOut };

// A place on the clock of one device's lane. Reached when everything launched up to it has finished; what was
// written before is then visible to whoever waited.
struct TimePoint {
  Device* device = nullptr;
  Lane lane = Lane::kCompute;
  uint64_t value = 0;
};

// What an op would work on, asked before anything is placed.
struct OpShape {
  const Op* op = nullptr;
  DType weight = DType::kF32;  // of its matrix, if it has one
  Layout layout = Layout::kStored;
  KvType kv = KvType::kF16;
  int32_t head_dim = 0;
  ActFormat out = ActFormat::kF32;  // of the value it writes
};

// What the self-test tells apart: "linear" in "q4_k panel16", "attention" in "f16".
struct OpFormat {
  std::string op;
  std::string format;
  bool operator==(const OpFormat&) const = default;
};
OpFormat op_format(const OpShape& shape);

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;

  // None: the device runs it; else the reason why not.
  virtual std::optional<std::string> unsupported(const OpShape& shape) const = 0;
  // None: its results equal the reference bit for bit; else what breaks that.
  virtual std::optional<std::string> not_bitwise(const OpShape& shape) const = 0;

  // 256-byte aligned, zeroed. Counted against the bound before it is asked for; throws kDoesNotFit with the
  // numbers.
  virtual std::unique_ptr<Buffer> allocate(uint64_t bytes, BufferUse use) = 0;
  // Memory the host owns (a file mapping) as a buffer of this device, without a copy; null where it cannot.
  // Counted like an allocation. The caller keeps it alive.
  virtual std::unique_ptr<Buffer> wrap(std::span<std::byte> memory, BufferUse use) = 0;
  // Blocking copies between host memory and a buffer.
  virtual void write(Buffer& to, uint64_t offset, std::span<const std::byte> from) = 0;
  virtual void read(Buffer& from, uint64_t offset, std::span<std::byte> to) = 0;

  virtual std::unique_ptr<StepBuffer> make_step_buffer(const StepLimits& limits) = 0;
  // What such a buffer counts as staging, so that a plan can promise it. 0: it is the host's own memory.
  virtual uint64_t step_buffer_bytes(const StepLimits& limits) const {
    static_cast<void>(limits);
    return 0;
  }
  // Host-visible at once; not while a launch that reads it is in flight.
  virtual void write_step(StepBuffer& to, const StepInputs& inputs) = 0;

  // Buffers named by the bindings, and the step buffer, outlive the result. Everything slow (pipelines)
  // happens here.
  virtual std::unique_ptr<CompiledSegment> compile(const Program& program, const Segment& segment,
                                                   const Bindings& bindings, StepBuffer& step) = 0;

  // Returns at once; runs after the lane's earlier launches and after `waits` (time points of other devices).
  virtual TimePoint launch(Lane lane, CompiledSegment& segment, std::span<const TimePoint> waits) = 0;
  // Blocks until the lane's clock has reached the value; failures of the work surface here, naming the op. No
  // wait is endless: a lost device is an error.
  virtual void wait(Lane lane, uint64_t value) = 0;

  // Pairs whose kernels a self-test found wrong: unsupported() names it from now on.
  void refuse(std::vector<OpFormat> pairs) { refused_ = std::move(pairs); }
  std::span<const OpFormat> refused() const { return refused_; }

  // Bound on all allocations; 0: none but the device's own.
  void set_memory_bound(uint64_t bytes) { bound_ = bytes; }
  uint64_t memory_bound() const { return bound_; }
  uint64_t allocated_bytes(BufferUse use) const { return used_[static_cast<size_t>(use)]; }
  uint64_t allocated_bytes() const { return used_[0] + used_[1] + used_[2] + used_[3]; }
  uint64_t peak_bytes() const { return peak_; }

 protected:
  // What unsupported() says of a pair that was refused.
  std::optional<std::string> refusal(const OpShape& shape) const;

  // Called by allocate() before memory is asked for; throws kDoesNotFit.
  void account(uint64_t bytes, BufferUse use);
  void release(uint64_t bytes, BufferUse use);

 private:
  std::vector<OpFormat> refused_;
  uint64_t bound_ = 0;
  std::array<uint64_t, kBufferUses> used_{};
  uint64_t peak_ = 0;
};

inline void wait(const TimePoint& point) {
  point.device->wait(point.lane, point.value);
}

}  // namespace yoke
