// Runs a Program step after step on its devices: scratch, staging and step buffers are reserved once, at the
// start.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "devices/device.h"
#include "program/program.h"

namespace yoke {

struct ExecutorParts {
  std::vector<Device*> devices;      // [program.devices]; they outlive the executor
  std::vector<BoundWeight> weights;  // [program.weights]
  std::vector<BoundCache> caches;    // [program.caches]
};

// Used by one thread.
class Executor {
 public:
  // Allocates exactly the Program's arena and staging bytes and compiles every segment.
  Executor(Program program, ExecutorParts parts);
  ~Executor();

  // One step from its inputs to its logits; blocks until they are there. Failures name the op; the first one
  // is thrown when all that was launched has ended.
  void run(const StepInputs& inputs);
  // [vocabulary] of the step's i-th wanted row; valid until the next run().
  std::span<const float> logits(int32_t wanted) const;

  const Program& program() const { return program_; }
  // Which kernel runs each op. [segments][ops]
  std::vector<std::vector<std::string>> kernels() const;
  // Segment launches so far that waited for another device: what passes between devices.
  uint64_t handoffs() const { return handoffs_; }

 private:
  Bindings bind() const;
  void check(const StepInputs& inputs) const;
  void launch(size_t segment);
  void finish(size_t launched, std::exception_ptr failure);

  Program program_;
  ExecutorParts parts_;
  std::vector<std::unique_ptr<Buffer>> arenas_;     // [devices], null where nothing is needed
  std::vector<std::unique_ptr<Buffer>> stagings_;   // [devices]
  std::vector<std::unique_ptr<StepBuffer>> steps_;  // [devices], null for devices without segments
  std::vector<std::unique_ptr<CompiledSegment>> segments_;
  std::vector<TimePoint> done_;  // [segments] of the current step
  uint64_t handoffs_ = 0;
};

}  // namespace yoke
