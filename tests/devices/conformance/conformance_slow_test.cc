#include <gtest/gtest.h>

#include "devices/conformance/conformance.h"
#include "devices/reference/reference.h"

namespace yoke {
namespace {

TEST(Conformance, TheReferencePassesEverySize) {
  const auto device = make_reference_device();
  for (const ConformanceResult& r : run_conformance(*device, {.thorough = true})) {
    EXPECT_TRUE(r.passed) << r.op << " " << r.format << ": " << r.message;
  }
}

}  // namespace
}  // namespace yoke
