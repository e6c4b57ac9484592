#include "program/executor.h"

#include <set>
#include <utility>

#include "base/error.h"

namespace yoke {

Executor::Executor(Program program, ExecutorParts parts)
    : program_(std::move(program)), parts_(std::move(parts)) {
  const size_t devices = program_.devices.size();
  arenas_.resize(devices);
  stagings_.resize(devices);
  steps_.resize(devices);
  for (size_t d = 0; d < devices; ++d) {
    const ProgramDevice& planned = program_.devices[d];
    if (planned.arena_bytes > 0)
      arenas_[d] = parts_.devices[d]->allocate(planned.arena_bytes, BufferUse::kScratch);
    if (planned.staging_bytes > 0)
      stagings_[d] = parts_.devices[d]->allocate(planned.staging_bytes, BufferUse::kStaging);
  }
  const Bindings bindings = bind();
  for (const Segment& segment : program_.segments) {
    std::unique_ptr<StepBuffer>& step = steps_[segment.device];
    Device& device = *parts_.devices[segment.device];
    if (!step) step = device.make_step_buffer(program_.limits);
    segments_.push_back(device.compile(program_, segment, bindings, *step));
  }
  done_.resize(segments_.size());
}

// Compiled segments name the buffers, so they go first.
Executor::~Executor() {
  segments_.clear();
}

Bindings Executor::bind() const {
  Bindings bindings{.values = {}, .weights = parts_.weights, .caches = parts_.caches};
  for (const ProgramValue& value : program_.values) {
    const auto& buffers = value.memory == MemoryKind::kArena ? arenas_ : stagings_;
    bindings.values.push_back({buffers[value.device].get(), value.offset});
  }
  return bindings;
}

void Executor::check(const StepInputs& inputs) const {
  const StepLimits& limits = program_.limits;
  if (inputs.rows < 1 || inputs.rows > limits.rows || inputs.wanted() > limits.wanted ||
      inputs.blocks_per_sequence > limits.blocks_per_sequence) {
    fail(ErrorKind::kRuntime, "running a step",
         std::to_string(inputs.rows) + " rows and " + std::to_string(inputs.wanted()) +
             " logits rows do not fit a program for " + std::to_string(limits.rows) + " and " +
             std::to_string(limits.wanted));
  }
}

void Executor::run(const StepInputs& inputs) {
  check(inputs);
  for (size_t d = 0; d < steps_.size(); ++d) {
    if (steps_[d]) parts_.devices[d]->write_step(*steps_[d], inputs);
  }
  size_t launched = 0;
  std::exception_ptr failure;
  try {
    for (; launched < segments_.size(); ++launched) launch(launched);
  } catch (...) {
    failure = std::current_exception();
  }
  finish(launched, failure);
}

void Executor::launch(size_t s) {
  const Segment& segment = program_.segments[s];
  std::vector<TimePoint> waits;
  for (const int32_t earlier : segment.waits) waits.push_back(done_[earlier]);
  handoffs_ += waits.size();
  done_[s] = parts_.devices[segment.device]->launch(Lane::kCompute, *segments_[s], waits);
}

// Whatever failed, nothing that reads this step's inputs or writes its values is left running.
void Executor::finish(size_t launched, std::exception_ptr failure) {
  // Lanes run in order, so the last launch of each device covers its earlier ones.
  std::set<Device*> waited;
  for (size_t s = launched; s-- > 0;) {
    if (!waited.insert(done_[s].device).second) continue;
    try {
      wait(done_[s]);
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

std::span<const float> Executor::logits(int32_t wanted) const {
  const ProgramValue& value = program_.values[index(program_.logits)];
  const auto& buffers = value.memory == MemoryKind::kArena ? arenas_ : stagings_;
  const std::byte* row =
      buffers[value.device]->host() + value.offset + static_cast<uint64_t>(wanted) * value.row_bytes;
  return {reinterpret_cast<const float*>(row), static_cast<size_t>(value.width)};
}

std::vector<std::vector<std::string>> Executor::kernels() const {
  std::vector<std::vector<std::string>> result;
  for (const auto& segment : segments_) result.push_back(segment->kernels());
  return result;
}

}  // namespace yoke
