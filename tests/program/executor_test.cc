// Failures in the middle of a step: all that was launched is waited for before the first one is told.
#include "program/executor.h"

#include <gtest/gtest.h>

#include "support/fake_device.h"

namespace yoke {
namespace {

// Counts launches and waits; the call that is to fail does.
class Flaky : public test::FakeDevice {
 public:
  explicit Flaky(const std::string& name) : FakeDevice(named(name)) {}

  std::unique_ptr<StepBuffer> make_step_buffer(const StepLimits&) override {
    return std::make_unique<StepBuffer>();
  }
  std::unique_ptr<CompiledSegment> compile(const Program&, const Segment&, const Bindings&,
                                           StepBuffer&) override {
    struct Nothing : CompiledSegment {
      std::vector<std::string> kernels() const override { return {}; }
    };
    return std::make_unique<Nothing>();
  }
  TimePoint launch(Lane lane, CompiledSegment&, std::span<const TimePoint>) override {
    if (fail_launch) fail(ErrorKind::kRuntime, "launching", info().name);
    return {this, lane, ++launched};
  }
  void wait(Lane, uint64_t value) override {
    ended = std::max(ended, value);
    if (fail_wait) fail(ErrorKind::kRuntime, "waiting", info().name);
  }

  bool fail_launch = false, fail_wait = false;
  uint64_t launched = 0, ended = 0;

 private:
  static DeviceInfo named(const std::string& name) {
    DeviceInfo info = cpu();
    info.name = name;
    return info;
  }
};

class ExecutorFailures : public ::testing::Test {
 protected:
  // Segments on a, b, a and c in order.
  Executor executor() {
    Program program;
    program.limits = {.rows = 1, .wanted = 1, .sequences = 1, .blocks_per_sequence = 1, .rope_pairs = {}};
    program.devices.resize(3);
    for (const int32_t device : {0, 1, 0, 2}) program.segments.push_back({"s", device, {}, {}});
    return Executor(std::move(program), {.devices = {&a_, &b_, &c_}, .weights = {}, .caches = {}});
  }
  std::string error_of(Executor& executor) {
    StepInputs step;
    step.rows = 1;
    try {
      executor.run(step);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  void expect_all_ended() {
    for (const Flaky* d : {&a_, &b_, &c_}) EXPECT_EQ(d->ended, d->launched) << d->info().name;
  }

  Flaky a_{"a"}, b_{"b"}, c_{"c"};
};

TEST_F(ExecutorFailures, AStepWithoutOneWaitsForEveryDevice) {
  Executor e = executor();
  EXPECT_EQ(error_of(e), "");
  EXPECT_EQ(a_.launched, 2u);
  expect_all_ended();
}

TEST_F(ExecutorFailures, ALaunchThatFailsLeavesNothingRunning) {
  Executor e = executor();
  ASSERT_EQ(error_of(e), "");
  c_.fail_launch = true;
  a_.fail_wait = true;  // comes later, so it is not the one to tell
  EXPECT_EQ(error_of(e), "launching: c");
  EXPECT_EQ(a_.launched, 4u);
  expect_all_ended();
}

TEST_F(ExecutorFailures, AWaitThatFailsDoesNotSpareTheOthers) {
  Executor e = executor();
  c_.fail_wait = true;
  b_.fail_wait = true;
  EXPECT_EQ(error_of(e), "waiting: c");
  expect_all_ended();
  c_.fail_wait = b_.fail_wait = false;
  EXPECT_EQ(error_of(e), "");
}

}  // namespace
}  // namespace yoke
