// Every op, format and layout on the software driver, bit for bit against the reference, under validation.
#include "devices/conformance/conformance.h"

#include "validated_device.h"

namespace yoke {
namespace {

class VulkanConformance : public ValidatedDevice {
 protected:
  void run(Device& device, const ConformanceOptions& options) {
    for (const ConformanceResult& r : run_conformance(device, options)) {
      EXPECT_TRUE(r.passed) << r.op << " " << r.format << " (" << r.kernel << "): " << r.message;
    }
    EXPECT_EQ(device.allocated_bytes(), 0u);
  }
};

TEST_F(VulkanConformance, SmallOps) {
  run(open(), {.ops = {"embed", "rms_norm", "quantize_rows", "gated_mul", "head_norm_rope", "kv_write", "add",
                       "wanted_rows", "copy"}});
}

TEST_F(VulkanConformance, Attention) {
  run(open(), {.ops = {"attention"}});
}

TEST_F(VulkanConformance, Products) {
  run(open(), {.ops = {"linear", "gated_linear"}});
}

TEST_F(VulkanConformance, ProductsWithPackedDotProducts) {
  run(open({.integer_dot = VulkanOptions::IntegerDot::kAlways}), {.ops = {"linear", "gated_linear"}});
}

// What a real GPU would run, on the software one.
TEST_F(VulkanConformance, TheKernelsForGpus) {
  run(open({.kernels = VulkanOptions::Kernels::kGpu}), {.ops = {"linear", "gated_linear", "attention"}});
}

}  // namespace
}  // namespace yoke
