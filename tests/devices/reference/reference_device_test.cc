// The device contract on the reference: order, failures, bounds, accounting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "devices/conformance/case_builder.h"
#include "devices/reference/reference.h"

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
  }

  conformance::Case c;
  std::unique_ptr<Buffer> arena;
  std::unique_ptr<Buffer> table;
  Bindings bindings;
  std::unique_ptr<StepBuffer> step;
  std::unique_ptr<CompiledSegment> segment;
};

TEST(ReferenceDevice, FailuresSurfaceAtTheWaitAndNameTheOp) {
  const auto device = make_reference_device();
  EmbedStep s(*device);
  s.c.step.tokens = {1, 4};
  device->write_step(*s.step, s.c.step);
  const TimePoint bad = device->launch(Lane::kCompute, *s.segment, {});
  EXPECT_THAT(
      message_of([&] { wait(bad); }),
      testing::AllOf(testing::HasSubstr("op 0 (embed) of conformance"), testing::HasSubstr("token 4")));
  // Taken once; the next step is not haunted by it.
  s.c.step.tokens = {1, 3};
  device->write_step(*s.step, s.c.step);
  const TimePoint good = device->launch(Lane::kCompute, *s.segment, {});
  EXPECT_EQ(message_of([&] { wait(good); }), "no error");
  EXPECT_GT(good.value, bad.value);
}

TEST(ReferenceDevice, AFailureReachesWhoeverWaitsOnIt) {
  const auto first = make_reference_device();
  const auto second = make_reference_device();
  EmbedStep a(*first);
  EmbedStep b(*second);
  a.c.step.tokens = {-1, 0};
  first->write_step(*a.step, a.c.step);
  second->write_step(*b.step, b.c.step);
  const TimePoint bad = first->launch(Lane::kCompute, *a.segment, {});
  const TimePoint after = second->launch(Lane::kCompute, *b.segment, std::span(&bad, 1));
  EXPECT_THAT(message_of([&] { wait(after); }), testing::HasSubstr("token -1"));
}

TEST(ReferenceDevice, WaitingForWhatWasNeverLaunchedIsAnErrorAndNotEndless) {
  const auto device = make_reference_device();
  EXPECT_THAT(message_of([&] { device->wait(Lane::kCompute, 1); }),
              testing::HasSubstr("nothing was launched"));
  EXPECT_EQ(message_of([&] { device->wait(Lane::kCopyIn, 0); }), "no error");
}

TEST(ReferenceDevice, CompilingAnUnboundWeightNamesIt) {
  const auto device = make_reference_device();
  EmbedStep s(*device);
  s.bindings.weights[0].buffer = nullptr;
  EXPECT_THAT(message_of([&] { device->compile(s.c.program, s.c.program.segments[0], s.bindings, *s.step); }),
              testing::AllOf(testing::HasSubstr("embed"), testing::HasSubstr("weight 0 is not bound")));
}

TEST(ReferenceDevice, AStepBeyondTheLimitsIsRefused) {
  const auto device = make_reference_device();
  EmbedStep s(*device);
  s.c.step.rows = s.c.program.limits.rows + 1;
  EXPECT_THAT(message_of([&] { device->write_step(*s.step, s.c.step); }),
              testing::HasSubstr("exceed the limits"));
}

TEST(ReferenceDevice, MemoryIsZeroedAlignedAndCounted) {
  const auto device = make_reference_device();
  {
    const auto buffer = device->allocate(1000, BufferUse::kCache);
    EXPECT_EQ(buffer->address() % 256, 0u);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(buffer->host()[i], std::byte{0});
    std::vector<std::byte> mine(64);
    const auto wrapped = device->wrap(mine, BufferUse::kWeights);
    EXPECT_EQ(wrapped->host(), mine.data());
    EXPECT_EQ(device->allocated_bytes(), 1064u);
    EXPECT_EQ(device->allocated_bytes(BufferUse::kCache), 1000u);
  }
  EXPECT_EQ(device->allocated_bytes(), 0u);
  EXPECT_EQ(device->peak_bytes(), 1064u);
}

TEST(ReferenceDevice, TheBoundHolds) {
  const auto device = make_reference_device();
  device->set_memory_bound(4096);
  const auto buffer = device->allocate(4000, BufferUse::kScratch);
  EXPECT_THAT(message_of([&] { device->allocate(97, BufferUse::kScratch); }), testing::HasSubstr("4096"));
  EXPECT_EQ(device->allocated_bytes(), 4000u);
}

TEST(ReferenceDevice, CopiesStayInsideTheirBuffer) {
  const auto device = make_reference_device();
  const auto buffer = device->allocate(16, BufferUse::kScratch);
  std::vector<std::byte> eight(8);
  EXPECT_EQ(message_of([&] { device->write(*buffer, 8, eight); }), "no error");
  EXPECT_THAT(message_of([&] { device->write(*buffer, 9, eight); }), testing::HasSubstr("not inside"));
  EXPECT_THAT(message_of([&] { device->read(*buffer, ~0ull, eight); }), testing::HasSubstr("not inside"));
}

}  // namespace
}  // namespace yoke
