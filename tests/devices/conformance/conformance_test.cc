// The suite on the reference itself, whose panels are checked against its stored rows, and on devices that
// are broken on purpose.
#include "devices/conformance/conformance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "broken_device.h"
#include "devices/reference/reference.h"
#include "tensor/dtype.h"

namespace yoke {
namespace {

std::set<std::string> failed_ops(const std::vector<ConformanceResult>& results) {
  std::set<std::string> ops;
  for (const ConformanceResult& r : results) {
    if (!r.passed) ops.insert(r.op);
  }
  return ops;
}

std::set<std::string> all_ops(const std::vector<ConformanceResult>& results) {
  std::set<std::string> ops;
  for (const ConformanceResult& r : results) ops.insert(r.op);
  return ops;
}

TEST(Conformance, TheReferencePassesAndNothingIsLeftOut) {
  const auto device = make_reference_device();
  const auto results = run_conformance(*device, {});
  for (const ConformanceResult& r : results) {
    EXPECT_TRUE(r.passed) << r.op << " " << r.format << ": " << r.message;
    EXPECT_FALSE(r.skipped()) << r.op << " " << r.format << ": " << r.skip_reason;
    EXPECT_EQ(r.message, "");
  }
  EXPECT_EQ(all_ops(results).size(), std::variant_size_v<Op>);
  for (const char* op : {"linear", "gated_linear", "embed"}) {
    const auto count = std::ranges::count(results, op, &ConformanceResult::op);
    EXPECT_EQ(count, 2 * static_cast<int64_t>(all_dtypes().size())) << op;
  }
  EXPECT_EQ(device->allocated_bytes(), 0u);
}

TEST(Conformance, OneWrongBitIsFoundThereAndOnlyThere) {
  BrokenDevice device({.op = "head_norm_rope", .fault = Fault::kLastBitOfLastElement});
  EXPECT_THAT(failed_ops(run_conformance(device, {})), testing::ElementsAre("head_norm_rope"));
}

TEST(Conformance, OneWrongBitIsFoundInEveryOp) {
  const std::vector<std::string> ops = {"add",       "attention", "copy",           "embed",
                                        "gated_mul", "kv_write",  "head_norm_rope", "gated_linear",
                                        "linear",    "rms_norm",  "quantize_rows",  "wanted_rows"};
  ASSERT_EQ(ops.size(), std::variant_size_v<Op>);
  for (const std::string& op : ops) {
    BrokenDevice device({.op = op, .fault = Fault::kLastBitOfLastElement});
    const auto results = run_conformance(device, {.ops = {op}});
    ASSERT_FALSE(results.empty()) << op;
    for (const ConformanceResult& r : results) EXPECT_FALSE(r.passed) << r.op << " " << r.format;
  }
}

TEST(Conformance, AStrayWriteIsFound) {
  BrokenDevice device({.op = "add", .fault = Fault::kWritesPastTheEnd});
  const auto results = run_conformance(device, {.ops = {"add", "rms_norm"}});
  EXPECT_THAT(failed_ops(results), testing::ElementsAre("add"));
}

TEST(Conformance, AnErrorOfTheDeviceIsAFailureWithItsWords) {
  BrokenDevice device({.op = "rms_norm", .fault = Fault::kThrows});
  const auto results = run_conformance(device, {.ops = {"rms_norm"}});
  ASSERT_FALSE(results.empty());
  EXPECT_FALSE(results[0].passed);
  EXPECT_THAT(results[0].message, testing::HasSubstr("on purpose"));
}

TEST(Conformance, WhatTheDeviceRefusesIsSkippedWithItsReason) {
  BrokenDevice device({.op = "attention", .fault = Fault::kRefuses});
  const auto results = run_conformance(device, {.ops = {"attention", "add"}});
  for (const ConformanceResult& r : results) {
    EXPECT_EQ(r.skipped(), r.op == "attention");
    if (r.skipped()) {
      EXPECT_EQ(r.skip_reason, "refused on purpose");
    }
  }
}

// What comes after says nothing about its kernels.
TEST(Conformance, TheKernelThatLosesTheDeviceFailsAndTheRestIsNotRun) {
  BrokenDevice device({.op = "rms_norm", .fault = Fault::kLosesTheDevice});
  int failed = 0;
  for (const ConformanceResult& r : run_conformance(device, {.ops = {"linear", "rms_norm", "add"}})) {
    failed += !r.passed;
    if (r.op == "linear") {
      EXPECT_TRUE(r.passed && !r.skipped()) << r.format;
    } else if (r.passed) {
      EXPECT_TRUE(r.skipped()) << r.op << " " << r.format;
      EXPECT_THAT(r.skip_reason, testing::HasSubstr("took the device along"));
    } else {
      EXPECT_EQ(r.op, "rms_norm");
    }
  }
  EXPECT_EQ(failed, 1);
}

TEST(Conformance, MemoryThatIsNotThereIsNoFaultOfTheKernel) {
  BrokenDevice device({.op = "add", .fault = Fault::kNoMemory});
  for (const ConformanceResult& r : run_conformance(device, {.ops = {"add"}})) {
    EXPECT_TRUE(r.passed);
    EXPECT_TRUE(r.skipped());
    EXPECT_THAT(r.skip_reason, testing::HasSubstr("others have it"));
  }
}

TEST(Conformance, ADeviceThatIsNotBitwiseIsComparedLoosely) {
  BrokenDevice small({.op = "linear", .fault = Fault::kLastBitOfLastElement, .claims_bitwise = false});
  const auto results = run_conformance(small, {.ops = {"linear"}});
  EXPECT_TRUE(failed_ops(results).empty());
  for (const ConformanceResult& r : results) EXPECT_FALSE(r.bitwise) << r.format;
  BrokenDevice large({.op = "linear", .fault = Fault::kDoublesLastElement, .claims_bitwise = false});
  EXPECT_FALSE(failed_ops(run_conformance(large, {.ops = {"linear"}})).empty());
}

}  // namespace
}  // namespace yoke
