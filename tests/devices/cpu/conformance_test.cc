// Every op, format and layout with every instruction set of this machine and any number of threads, bit for
// bit against the reference.
#include "devices/conformance/conformance.h"

#include <gtest/gtest.h>

#include "base/cpu_features.h"
#include "devices/cpu/cpu_device.h"

namespace yoke {
namespace {

struct Setting {
  std::string isa;
  int threads;
};

std::vector<Setting> settings() {
  std::vector<Setting> all;
  for (const std::string_view isa : isas_of(detect_cpu_features())) all.push_back({std::string(isa), 2});
  all.push_back({"", 3});
  return all;
}

class CpuConformance : public testing::TestWithParam<Setting> {};

TEST_P(CpuConformance, EqualsTheReferenceBitForBit) {
  const auto device = make_cpu_device({.threads = GetParam().threads, .isa = GetParam().isa});
  for (const ConformanceResult& r : run_conformance(*device, {})) {
    EXPECT_TRUE(r.passed) << r.op << " " << r.format << " (" << r.kernel << "): " << r.message;
    EXPECT_FALSE(r.skipped()) << r.op << " " << r.format << ": " << r.skip_reason;
  }
  EXPECT_EQ(device->allocated_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Settings, CpuConformance, testing::ValuesIn(settings()), [](const auto& s) {
  return (s.param.isa.empty() ? "best" : s.param.isa) + "_" + std::to_string(s.param.threads) + "_threads";
});

}  // namespace
}  // namespace yoke
