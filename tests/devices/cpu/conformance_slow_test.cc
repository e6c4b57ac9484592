// Every op, format and layout with every instruction set of this machine and any number of threads, bit for
// bit against the reference.
#include <gtest/gtest.h>

#include "devices/conformance/conformance.h"
#include "devices/cpu/cpu_device.h"

namespace yoke {
namespace {

class CpuConformanceThreads : public testing::TestWithParam<int> {};

TEST_P(CpuConformanceThreads, EqualsTheReferenceBitForBit) {
  const auto device = make_cpu_device({.threads = GetParam()});
  for (const ConformanceResult& r : run_conformance(*device, {})) {
    EXPECT_TRUE(r.passed) << r.op << " " << r.format << " (" << r.kernel << "): " << r.message;
    EXPECT_FALSE(r.skipped()) << r.op << " " << r.format << ": " << r.skip_reason;
  }
  EXPECT_EQ(device->allocated_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Threads, CpuConformanceThreads, testing::Values(1, 5, 8),
                         [](const auto& threads) { return std::to_string(threads.param); });

}  // namespace
}  // namespace yoke
