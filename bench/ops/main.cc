// Op benchmarks of the CPU device beside the roofs of the same run: bench_ops --benchmark_filter=attention
#include <benchmark/benchmark.h>

#include <cstdio>

#include "chain.h"
#include "devices/cpu/roofs.h"

namespace yoke::bench {
void register_attention();
void register_linear();
void register_rows();
}  // namespace yoke::bench

int main(int argc, char** argv) {
  using namespace yoke;
  benchmark::Initialize(&argc, argv);
  const CpuRoofs roofs = measure_cpu_roofs({.threads = bench::threads(), .isa = bench::isa()});
  std::printf("%s, family %d, model %d, %d threads: reads %.1f GB/s, int8 dot products %.0f GOP/s (%s)\n",
              roofs.brand.c_str(), roofs.family, roofs.model, roofs.threads, roofs.read_gb_s,
              roofs.int8_gop_s, roofs.isa.c_str());
  std::fflush(stdout);  // before what the library writes by other means
  bench::register_attention();
  bench::register_linear();
  bench::register_rows();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
