#include "devices/cpu/roofs.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "base/cpu_features.h"
#include "base/cpu_topology.h"
#include "base/thread_team.h"
#include "devices/cpu/cpu_buffer.h"
#include "devices/cpu/cpu_op.h"
#include "devices/cpu/kernels/roof_kernels.h"

namespace yoke {
namespace {

const cpu::RoofKernels& kernels_of(std::string_view isa) {
  if (isa == "avx512bf16" || isa == "avx512vnni" || isa == "avx512amx") return *cpu::roofs_avx512vnni();
  if (isa == "avx512") return *cpu::roofs_avx512();
  if (isa == "avx2vnni") return *cpu::roofs_avx2vnni();
  if (isa == "avx2") return *cpu::roofs_avx2();
  return *cpu::roofs_portable();
}

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Most units a second over passes that together take `seconds`.
template <class Pass>
double best_rate(double seconds, Pass&& pass) {
  double best = 0;
  const double end = now_s() + seconds;
  do {
    const double begin = now_s();
    const double units = pass();
    best = std::max(best, units / (now_s() - begin));
  } while (now_s() < end);
  return best;
}

}  // namespace

uint64_t roof_bytes(uint64_t cache_bytes, uint64_t memory_bytes) {
  constexpr uint64_t kLeast = 256u << 20;
  constexpr uint64_t kMost = 2048u << 20;
  const uint64_t most = std::min(kMost, memory_bytes / 8);
  return std::max(kLeast, std::min(most, std::min(cache_bytes, kMost) * 3)) / 1024 * 1024;
}

CpuRoofs measure_cpu_roofs(const RoofOptions& options) {
  const CpuFeatures features = detect_cpu_features();
  const CpuTopology topology = detect_cpu_topology();
  const TeamPlan plan = plan_team(topology, cgroup_cpu_limit(), options.threads);
  const uint64_t bytes =
      options.bytes > 0 ? options.bytes : roof_bytes(topology.cache_bytes, topology.memory_bytes);
  ThreadTeam team({.threads = plan.threads, .cpus = plan.cpus, .oversubscribed = plan.oversubscribed});
  CpuRoofs roofs;
  roofs.threads = plan.threads;
  roofs.isa = choose_isa(options.isa, features);
  roofs.family = features.family;
  roofs.model = features.model;
  roofs.brand = features.brand;
  const cpu::RoofKernels& kernels = kernels_of(roofs.isa);

  cpu::CpuBuffer buffer(bytes, BufferUse::kStaging, {});
  std::byte* const data = buffer.host();
  const auto part = [&](int member) {
    const cpu::Part blocks = cpu::part_of(static_cast<int64_t>(bytes / 1024), member, team.size());
    return cpu::Part{blocks.begin * 1024, blocks.end * 1024};
  };
  // Each member touches its own part first, so that it lies in its node's memory.
  team.run([&](int member) { std::fill(data + part(member).begin, data + part(member).end, std::byte{1}); });
  std::atomic<uint64_t> keep{0};
  roofs.read_gb_s = best_rate(options.seconds, [&] {
    team.run([&](int member) {
      const cpu::Part p = part(member);
      keep += kernels.read(data + p.begin, p.end - p.begin);
    });
    return static_cast<double>(bytes) / 1e9;
  });
  roofs.int8_gop_s = best_rate(options.seconds, [&] {
    std::atomic<int64_t> operations{0};
    team.run([&](int) { operations += kernels.dots(1'000'000); });
    return static_cast<double>(operations.load()) / 1e9;
  });
  return roofs;
}

}  // namespace yoke
