// The device contract on the CPU: order, failures, waits, bounds, accounting.
#include "devices/cpu/cpu_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "base/error.h"
#include "devices/conformance/case_builder.h"

namespace yoke {
namespace {

using conformance::CaseBuilder;
using conformance::Data;
using conformance::Random;

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

// An Embed of two rows, bound on a device; its token can be set wrong.
struct EmbedStep {
  explicit EmbedStep(Device& device) {
    Random random(1);
    CaseBuilder builder(random, 2);
    Embed op;
    op.table = builder.matrix(DType::kF32, 4, 8, random.weight(DType::kF32, 4, 8, Data::kNormal));
    op.out = builder.output(8);
    c = builder.build(op, "");
    arena = device.allocate(c.program.devices[0].arena_bytes, BufferUse::kScratch);
    table = device.allocate(c.weights[0].stored.size(), BufferUse::kWeights);
    device.write(*table, 0, c.weights[0].stored);
    bindings.values.push_back({arena.get(), c.program.values[0].offset});
    bindings.weights.push_back({table.get(), 0, DType::kF32, Layout::kStored, 4, 8});
    step = device.make_step_buffer(c.program.limits);
    segment = device.compile(c.program, c.program.segments[0], bindings, *step);
    set_tokens(device, 1, 2);
  }
  void set_tokens(Device& device, int32_t a, int32_t b) {
    c.step.tokens = {a, b};
    device.write_step(*step, c.step);
  }
  float first() const { return *reinterpret_cast<const float*>(arena->host() + c.program.values[0].offset); }

  conformance::Case c;
  std::unique_ptr<Buffer> arena;
  std::unique_ptr<Buffer> table;
  Bindings bindings;
  std::unique_ptr<StepBuffer> step;
  std::unique_ptr<CompiledSegment> segment;
};

class CpuDevice : public testing::TestWithParam<int> {
 protected:
  std::unique_ptr<Device> device = make_cpu_device({.threads = GetParam()});
};

TEST_P(CpuDevice, FailuresSurfaceAtTheWaitAndNameTheOp) {
  EmbedStep s(*device);
  s.set_tokens(*device, 1, 4);
  const TimePoint bad = device->launch(Lane::kCompute, *s.segment, {});
  EXPECT_THAT(
      message_of([&] { wait(bad); }),
      testing::AllOf(testing::HasSubstr("op 0 (embed) of conformance"), testing::HasSubstr("token 4")));
  // Whoever waits for it again is told again; the next step is not haunted by it.
  EXPECT_THAT(message_of([&] { wait(bad); }), testing::HasSubstr("token 4"));
  s.set_tokens(*device, 1, 3);
  const TimePoint good = device->launch(Lane::kCompute, *s.segment, {});
  EXPECT_EQ(message_of([&] { wait(good); }), "no error");
  EXPECT_GT(good.value, bad.value);
}

TEST_P(CpuDevice, AFailureReachesWhoeverWaitsOnIt) {
  const auto second = make_cpu_device({.threads = 1});
  EmbedStep a(*device);
  EmbedStep b(*second);
  a.set_tokens(*device, -1, 0);
  const TimePoint bad = device->launch(Lane::kCompute, *a.segment, {});
  const TimePoint after = second->launch(Lane::kCompute, *b.segment, std::span(&bad, 1));
  EXPECT_THAT(message_of([&] { wait(after); }), testing::HasSubstr("token -1"));
}

TEST_P(CpuDevice, WhatIsQueuedBehindAFailureFailsWithIt) {
  EmbedStep s(*device);
  s.set_tokens(*device, 9, 0);
  const TimePoint first = device->launch(Lane::kCompute, *s.segment, {});
  const TimePoint second = device->launch(Lane::kCompute, *s.segment, {});
  EXPECT_THAT(message_of([&] { wait(second); }), testing::HasSubstr("token 9"));
  EXPECT_THAT(message_of([&] { wait(first); }), testing::HasSubstr("token 9"));
}

TEST_P(CpuDevice, LaunchReturnsAtOnceAndTheWaitRunsAllBeforeIt) {
  EmbedStep s(*device);
  EmbedStep other(*device);
  const TimePoint first = device->launch(Lane::kCompute, *s.segment, {});
  const TimePoint second = device->launch(Lane::kCompute, *other.segment, {});
  EXPECT_EQ(s.first(), 0.0f);
  wait(second);
  EXPECT_NE(s.first(), 0.0f);
  EXPECT_EQ(s.first(), other.first());
  wait(first);
}

TEST_P(CpuDevice, SeveralThreadsMayWait) {
  EmbedStep s(*device);
  for (int round = 0; round < 20; ++round) {
    const TimePoint point = device->launch(Lane::kCompute, *s.segment, {});
    std::thread other([&] { wait(point); });
    wait(point);
    other.join();
  }
  EXPECT_NE(s.first(), 0.0f);
}

TEST_P(CpuDevice, WaitingForWhatWasNeverLaunchedIsAnErrorAndNotEndless) {
  EXPECT_THAT(message_of([&] { device->wait(Lane::kCompute, 1); }),
              testing::HasSubstr("nothing was launched"));
  EXPECT_EQ(message_of([&] { device->wait(Lane::kCopyIn, 0); }), "no error");
}

TEST_P(CpuDevice, CompilingAnUnboundWeightNamesIt) {
  EmbedStep s(*device);
  s.bindings.weights[0].buffer = nullptr;
  EXPECT_THAT(message_of([&] { device->compile(s.c.program, s.c.program.segments[0], s.bindings, *s.step); }),
              testing::AllOf(testing::HasSubstr("embed"), testing::HasSubstr("weight 0 is not bound")));
}

TEST_P(CpuDevice, CompilingAgainstABufferThatIsTooSmallIsRefused) {
  EmbedStep s(*device);
  s.bindings.weights[0].rows = 5;
  EXPECT_THAT(message_of([&] { device->compile(s.c.program, s.c.program.segments[0], s.bindings, *s.step); }),
              testing::HasSubstr("weight 0 needs 160 bytes"));
}

TEST_P(CpuDevice, AStepBeyondTheLimitsIsRefused) {
  EmbedStep s(*device);
  s.c.step.rows = s.c.program.limits.rows + 1;
  EXPECT_THAT(message_of([&] { device->write_step(*s.step, s.c.step); }),
              testing::HasSubstr("exceed the limits"));
}

TEST_P(CpuDevice, StepsThatPointOutsideOfThemselvesAreRefused) {
  EmbedStep s(*device);
  const auto message = [&](const std::function<void(StepInputs&)>& spoil) {
    StepInputs step = s.c.step;
    spoil(step);
    return message_of([&] { device->write_step(*s.step, step); });
  };
  EXPECT_EQ(message([](StepInputs&) {}), "no error");
  EXPECT_THAT(message([](StepInputs& in) { in.tokens.pop_back(); }), testing::HasSubstr("not every row"));
  EXPECT_THAT(message([](StepInputs& in) { in.wanted_rows = {2}; }), testing::HasSubstr("wanted row 2"));
  EXPECT_THAT(message([](StepInputs& in) { in.sequences[1] = 7; }),
              testing::HasSubstr("row 1 stands outside"));
  EXPECT_THAT(message([](StepInputs& in) { in.positions[0] = in.blocks_per_sequence * kBlockPositions; }),
              testing::HasSubstr("row 0 stands outside"));
  EXPECT_THAT(message([](StepInputs& in) { in.spans[0].first_row = 1; }),
              testing::HasSubstr("a span of 2 rows"));
}

TEST_P(CpuDevice, MemoryIsZeroedAlignedAndCounted) {
  {
    const auto buffer = device->allocate(1000, BufferUse::kCache);
    EXPECT_EQ(buffer->address() % 256, 0u);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(buffer->host()[i], std::byte{0});
    std::vector<std::byte> mine(64);
    const auto wrapped = device->wrap(mine, BufferUse::kWeights);
    EXPECT_EQ(wrapped->host(), mine.data());
    EXPECT_EQ(device->allocated_bytes(), 1064u);
    EXPECT_EQ(device->allocated_bytes(BufferUse::kCache), 1000u);
    const auto large = device->allocate((5 << 20) + 256, BufferUse::kWeights);
    EXPECT_EQ(large->address() % (2 << 20), 0u);
    EXPECT_EQ(large->host()[(5 << 20) + 255], std::byte{0});
  }
  EXPECT_EQ(device->allocated_bytes(), 0u);
  EXPECT_EQ(device->peak_bytes(), 1064u + (5 << 20) + 256);
}

TEST_P(CpuDevice, TheBoundHoldsAndAnAllocationThatFailsIsNotCounted) {
  device->set_memory_bound(4096);
  const auto buffer = device->allocate(4000, BufferUse::kScratch);
  EXPECT_THAT(message_of([&] { device->allocate(97, BufferUse::kScratch); }), testing::HasSubstr("4096"));
  device->set_memory_bound(0);
  EXPECT_THAT(message_of([&] { device->allocate(uint64_t{1} << 60, BufferUse::kScratch); }),
              testing::HasSubstr("the system has no"));
  EXPECT_EQ(device->allocated_bytes(), 4000u);
}

TEST_P(CpuDevice, CopiesStayInsideTheirBuffer) {
  const auto buffer = device->allocate(16, BufferUse::kScratch);
  std::vector<std::byte> eight(8);
  EXPECT_EQ(message_of([&] { device->write(*buffer, 8, eight); }), "no error");
  EXPECT_THAT(message_of([&] { device->write(*buffer, 9, eight); }), testing::HasSubstr("not inside"));
  EXPECT_THAT(message_of([&] { device->read(*buffer, ~0ull, eight); }), testing::HasSubstr("not inside"));
}

INSTANTIATE_TEST_SUITE_P(Threads, CpuDevice, testing::Values(1, 2, 5),
                         [](const auto& threads) { return std::to_string(threads.param); });

TEST(CpuDeviceOptions, WhatTheCpuCannotDoIsAUsageError) {
  EXPECT_THAT(message_of([] { make_cpu_device({.isa = "quantum"}); }),
              testing::AllOf(testing::HasSubstr("quantum"), testing::HasSubstr("portable")));
  EXPECT_THAT(message_of([] { make_cpu_device({.threads = -1}); }), testing::HasSubstr("-1 threads"));
}

TEST(CpuDeviceOptions, ADescribedMachineGivesTheNumberOfThreads) {
  const auto device = make_cpu_device({.isa = "portable", .synthetic_topology = "node:2 core:2 pu:1"});
  EXPECT_THAT(device->info().description, testing::HasSubstr("portable, "));
  EmbedStep s(*device);
  wait(device->launch(Lane::kCompute, *s.segment, {}));
  EXPECT_NE(s.first(), 0.0f);
}

class Observer : public CpuOpObserver {
 public:
  void on_op(std::string_view op, std::string_view, int32_t, uint64_t) override { ops.emplace_back(op); }
  std::vector<std::string> ops;
};

TEST(CpuDeviceOptions, AnObserverHearsOfEveryOp) {
  Observer observer;
  const auto device = make_cpu_device({.threads = 2, .observer = &observer});
  EmbedStep s(*device);
  wait(device->launch(Lane::kCompute, *s.segment, {}));
  EXPECT_EQ(observer.ops, (std::vector<std::string>{"embed"}));
}

}  // namespace
}  // namespace yoke
