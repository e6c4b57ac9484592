// Linked into the program for tests: YOKE_BREAK names the shaders that are wrong on every Vulkan device
// ("linear_q8_0"), or is "cpu": the best instruction set's products of Q8_0 are wrong then.
#include <cstdlib>
#include <string>

#include "base/cpu_features.h"
#include "devices/cpu/cpu_device.h"
#include "devices/cpu/kernels/kernels.h"
#include "devices/vulkan/vulkan.h"
#include "engine/open_devices.h"
#include "support/broken_shader.h"

namespace yoke {
namespace {

constexpr size_t kQ8_0 = 6;  // where LinearKernels has it

cpu::LinearFn right = nullptr;

void wrong(const cpu::LinearArgs& a) {
  right(a);
  a.out[0] += 1.0f;
}

void break_cpu(CpuOptions& options) {
  const std::string best(choose_isa("", detect_cpu_features()));
  if (!options.isa.empty() && options.isa != best) return;
  options.alter_kernels = [](cpu::LinearKernels& linear, cpu::OpKernels&) {
    right = linear.linear[kQ8_0];
    linear.linear[kQ8_0] = wrong;
  };
}

[[maybe_unused]] const bool broken = [] {
  const char* what = std::getenv("YOKE_BREAK");
  if (what == nullptr) return false;
  if (std::string(what) == "cpu") {
    device_faults().cpu = break_cpu;
  } else {
    device_faults().vulkan = [shader = std::string(what)](VulkanOptions& options) {
      options.alter_shader = test::broken_shader(shader);
    };
  }
  return true;
}();

}  // namespace
}  // namespace yoke
