// The reference device with one op broken on purpose.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "devices/reference/reference.h"

namespace yoke {

enum class Fault {
  kLastBitOfLastElement,
  kDoublesLastElement,
  kWritesPastTheEnd,
  kThrows,
  kRefuses,
  kLosesTheDevice,
  kNoMemory
};

struct Breakage {
  std::string op;
  Fault fault = Fault::kLastBitOfLastElement;
  bool claims_bitwise = true;
};

class BrokenDevice : public Device {
 public:
  explicit BrokenDevice(Breakage breakage)
      : breakage_(std::move(breakage)), inner_(make_reference_device()) {}

  const DeviceInfo& info() const override { return inner_->info(); }
  std::optional<std::string> unsupported(const OpShape& shape) const override {
    if (breakage_.fault == Fault::kRefuses && op_name(*shape.op) == breakage_.op) return "refused on purpose";
    return inner_->unsupported(shape);
  }
  std::optional<std::string> not_bitwise(const OpShape&) const override {
    if (!breakage_.claims_bitwise) return "it says so";
    return std::nullopt;
  }
  std::unique_ptr<Buffer> allocate(uint64_t bytes, BufferUse use) override {
    return inner_->allocate(bytes, use);
  }
  std::unique_ptr<Buffer> wrap(std::span<std::byte> memory, BufferUse use) override {
    return inner_->wrap(memory, use);
  }
  void write(Buffer& to, uint64_t offset, std::span<const std::byte> from) override {
    inner_->write(to, offset, from);
  }
  void read(Buffer& from, uint64_t offset, std::span<std::byte> to) override {
    inner_->read(from, offset, to);
  }
  std::unique_ptr<StepBuffer> make_step_buffer(const StepLimits& limits) override {
    return inner_->make_step_buffer(limits);
  }
  void write_step(StepBuffer& to, const StepInputs& inputs) override {
    step_ = inputs;
    inner_->write_step(to, inputs);
  }
  std::unique_ptr<CompiledSegment> compile(const Program& program, const Segment& segment,
                                           const Bindings& bindings, StepBuffer& step) override {
    program_ = program;
    bindings_ = bindings;
    return inner_->compile(program, segment, bindings, step);
  }
  TimePoint launch(Lane lane, CompiledSegment& segment, std::span<const TimePoint> waits) override {
    const TimePoint point = inner_->launch(lane, segment, waits);
    const Op& op = program_.segments[0].ops[0].op;
    if (op_name(op) == breakage_.op) damage(op);
    return {this, lane, point.value};
  }
  void wait(Lane lane, uint64_t value) override {
    inner_->wait(lane, value);
    const bool hit = op_name(program_.segments[0].ops[0].op) == breakage_.op;
    lost_ = lost_ || (hit && breakage_.fault == Fault::kLosesTheDevice);
    if (lost_) fail(ErrorKind::kRuntime, "waiting", "the device was lost");
    if (hit && breakage_.fault == Fault::kNoMemory)
      fail(ErrorKind::kDoesNotFit, "reserving", "others have it");
    if (hit && breakage_.fault == Fault::kThrows)
      fail(ErrorKind::kRuntime, "running " + breakage_.op, "broken on purpose");
  }

 private:
  void damage(const Op& op) {
    for_each_write(op, [&](ValueId id) { damage_value(id); });
    if (const CacheId id = cache_written(op); id != CacheId::kNone) {
      const BoundCache& cache = bindings_.caches[index(id)];
      cache.buffer->host()[cache.offset + 7] ^= std::byte{1};
    }
  }

  void damage_value(ValueId id) {
    const ProgramValue& value = program_.values[index(id)];
    const int64_t rows = value.rows == RowKind::kRows ? step_.rows : step_.wanted();
    std::byte* row = bindings_.values[index(id)].buffer->host() + bindings_.values[index(id)].offset +
                     static_cast<uint64_t>(rows - 1) * value.row_bytes;
    std::byte* last = row + (value.width - 1) * (has_blocks(value.format)           ? 1
                                                 : value.format == ActFormat::kBF16 ? 2
                                                                                    : 4);
    if (breakage_.fault == Fault::kLastBitOfLastElement) {
      *last ^= std::byte{1};
    } else if (breakage_.fault == Fault::kDoublesLastElement) {
      float x;
      std::memcpy(&x, last, 4);
      x *= 2;
      std::memcpy(last, &x, 4);
    } else if (breakage_.fault == Fault::kWritesPastTheEnd) {
      bindings_.values[index(id)].buffer->host()[bindings_.values[index(id)].offset + value.bytes] ^=
          std::byte{1};
    }
  }

  Breakage breakage_;
  std::unique_ptr<Device> inner_;
  Program program_;
  Bindings bindings_;
  StepInputs step_;
  bool lost_ = false;
};

}  // namespace yoke
