// The CPU as a device: a pinned team of threads that walks a segment's ops together, with barriers only where
// one op reads what another wrote.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "devices/device.h"

namespace yoke {

namespace cpu {
struct LinearKernels;
struct OpKernels;
}  // namespace cpu

// Told how long each op took, for profiles. Costs a barrier per op.
class CpuOpObserver {
 public:
  virtual ~CpuOpObserver() = default;
  // kernel: as CompiledSegment::kernels() names it.
  virtual void on_op(std::string_view op, std::string_view kernel, int32_t layer, uint64_t ns) = 0;
};

struct CpuOptions {
  int threads = 0;                    // 0: one per core within the affinity mask and the container's quota
  std::string isa{};                  // "avx2"; empty: the best this CPU has
  uint64_t memory_bound = 0;          // bytes; 0: none
  bool pin = true;                    // each thread to its core
  std::string synthetic_topology{};   // hwloc's description instead of this machine's cores: for tests
  CpuOpObserver* observer = nullptr;  // outlives the device
  bool check_kernels = true;          // a kernel that differs from the portable one is not used
  // Changes the kernels of the instruction set before they are checked: how tests break one.
  std::function<void(cpu::LinearKernels&, cpu::OpKernels&)> alter_kernels{};
};

// Throws kUsage for an instruction set that this CPU lacks.
std::unique_ptr<Device> make_cpu_device(const CpuOptions& options);

}  // namespace yoke
