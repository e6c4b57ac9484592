// Every op, format and layout on the software driver, bit for bit against the reference, under validation.
#include "devices/conformance/conformance.h"

#include "support/broken_shader.h"
#include "validated_device.h"

namespace yoke {
namespace {

class VulkanConformance : public ValidatedDevice {
 protected:
  void run(Device& device, const ConformanceOptions& options) {
    expect_passed(run_conformance(device, options));
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

// A broken one would be seen, and told from the others.
TEST_F(VulkanConformance, ABrokenShaderFailsAloneAndHasAnotherId) {
  Device& broken = open({.alter_shader = test::broken_shader("linear_q5_1")});
  for (const ConformanceResult& r : run_conformance(broken, {.ops = {"linear", "gated_linear"}}))
    EXPECT_EQ(r.passed, r.format != "q5_1 panel16") << r.op << " " << r.format;
  EXPECT_NE(broken.info().kernels_id, open().info().kernels_id);
}

// What a real GPU would run, on the software one.
TEST_F(VulkanConformance, TheKernelsForGpus) {
  run(open({.kernels = VulkanOptions::Kernels::kGpu}), {.ops = {"linear", "gated_linear", "attention"}});
}

}  // namespace
}  // namespace yoke
