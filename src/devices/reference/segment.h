// A segment of the reference device: the ops as they are, with what their ids mean.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "devices/device.h"

namespace yoke::reference {

class ReferenceStep : public StepBuffer {
 public:
  explicit ReferenceStep(StepLimits most) : limits(std::move(most)) {}
  StepLimits limits;
  StepInputs inputs;
};

class ReferenceSegment : public CompiledSegment {
 public:
  // Throws where an op names something that is not bound.
  ReferenceSegment(const Program& program, const Segment& segment, const Bindings& bindings,
                   const ReferenceStep& step);
  std::vector<std::string> kernels() const override;
  // Runs the ops in order; errors name the op.
  void run() const;

 private:
  std::string name_;
  std::vector<ProgramOp> ops_;
  std::vector<ProgramValue> values_;
  Bindings bindings_;
  const ReferenceStep& step_;
};

}  // namespace yoke::reference
