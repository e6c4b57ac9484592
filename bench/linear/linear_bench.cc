// Speed of the matrix products of one thread beside the roofs of the same run:
//   linear_bench [--isa NAME] [--rows 1,2,4] [--k 2048] [--n 5632] [--repeat 5] [FORMAT...]
// Times are the thread's own CPU time, so other work on the machine disturbs only caches and bandwidth.
#include <sched.h>
#include <sys/mman.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "base/error.h"
#include "devices/cpu/kernels/kernels.h"
#include "roofs.h"
#include "tensor/dtype.h"
#include "tensor/layout.h"
#include "tensor/quantize.h"

namespace yoke::bench {
namespace {

constexpr size_t kBufferBytes = 336u << 20;  // far past the last cache
constexpr int64_t kPatternPanels = 8;        // quantized once, then repeated

// Huge pages, as the engine's packed weights have.
std::span<uint8_t> huge_buffer(size_t bytes) {
  void* const p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) std::exit(1);
  madvise(p, bytes, MADV_HUGEPAGE);
  std::memset(p, 1, bytes);
  return {static_cast<uint8_t*>(p), bytes};
}

std::vector<float> random_floats(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(static_cast<size_t>(count));
  for (float& f : out) f = normal(random);
  return out;
}

struct Setup {
  const cpu::LinearKernels* kernels;
  int64_t k, n;
  int repeat;
  double peak_gops;
  double bandwidth;
  std::span<uint8_t> weights;
};

// Copies of an [n, k] matrix, as many as fit.
int64_t fill_weights(const Setup& s, DType type) {
  const auto panel = static_cast<int64_t>(panel_bytes(type, s.k));
  const std::vector<float> values = random_floats(kPatternPanels * kPanelRows * s.k, 1);
  std::vector<std::byte> stored(stored_bytes(type, kPatternPanels * kPanelRows, s.k));
  quantize(type, values.data(), kPatternPanels * kPanelRows * s.k, stored.data());
  const int64_t panels = (s.n + kPanelRows - 1) / kPanelRows;
  const int64_t copies = static_cast<int64_t>(s.weights.size()) / (panels * panel);
  auto* const out = reinterpret_cast<std::byte*>(s.weights.data());
  pack_panels(type, kPatternPanels * kPanelRows, s.k, stored.data(), 0, kPatternPanels, out);
  for (int64_t p = kPatternPanels; p < copies * panels; ++p) {
    std::memcpy(out + p * panel, out + p % kPatternPanels * panel, static_cast<size_t>(panel));
  }
  return copies;
}

void measure(const Setup& s, size_t format, int64_t rows, int64_t copies) {
  const DTypeTraits& type = all_dtypes()[format];
  const ActLayout act = act_layout(type.act, s.k);
  const std::span<uint8_t> x = huge_buffer(static_cast<size_t>(act.row_bytes * rows));
  for (int64_t m = 0; m < rows; ++m) {
    const std::vector<float> row = random_floats(s.k, static_cast<uint32_t>(m) + 7);
    quantize_activations(type.act, row.data(), s.k,
                         reinterpret_cast<std::byte*>(x.data()) + m * act.row_bytes);
  }
  const std::span<uint8_t> out = huge_buffer(static_cast<size_t>(rows * s.n * 4));
  const std::span<uint8_t> scratch = huge_buffer(cpu::kLinearScratchBytes);
  cpu::LinearArgs a{};
  a.x = reinterpret_cast<const std::byte*>(x.data());
  a.x_row_bytes = act.row_bytes;
  a.x_scale_offset = act.scale_offset;
  a.x_sums_offset = act.sums_offset;
  a.x_sums32_offset = act.sums32_offset;
  a.rows = static_cast<int32_t>(rows);
  a.panel_bytes = static_cast<int64_t>(panel_bytes(type.type, s.k));
  a.k = s.k;
  a.n = s.n;
  a.panel_end = (s.n + kPanelRows - 1) / kPanelRows;
  a.out = reinterpret_cast<float*>(out.data());
  a.out_row_bytes = s.n * 4;
  a.scratch = reinterpret_cast<std::byte*>(scratch.data());
  const int64_t matrix_bytes = a.panel_end * a.panel_bytes;
  // Few rows read every copy, that is memory; many rows need not.
  const int64_t runs = rows <= 16 ? copies : 1;
  double best = 1e9;
  for (int i = 0; i < s.repeat; ++i) {
    const double begin = thread_seconds();
    for (int64_t r = 0; r < runs; ++r) {
      a.w = reinterpret_cast<const std::byte*>(s.weights.data()) + r * matrix_bytes;
      s.kernels->linear[format](a);
    }
    best = std::min(best, (thread_seconds() - begin) / static_cast<double>(runs));
  }
  const double gops = 2e-9 * static_cast<double>(rows * s.n * s.k) / best;
  const double gbps = 1e-9 * static_cast<double>(matrix_bytes) / best;
  std::printf("%-7s %5ld %9.1f %6.1f%% %8.1f %6.1f%%\n", std::string(type.name).c_str(),
              static_cast<long>(rows), gops, 100 * gops / s.peak_gops, gbps, 100 * gbps / s.bandwidth);
  std::fflush(stdout);
  for (const std::span<uint8_t> m : {x, out, scratch}) munmap(m.data(), m.size());
}

std::string cpu_line(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return line.substr(line.find(':') + 2);
  }
  return "?";
}

const cpu::LinearKernels* find_set(const std::string& isa) {
  if (isa == "avx512bf16") return cpu::linear_avx512bf16();
  if (isa == "avx512vnni") return cpu::linear_avx512vnni();
  if (isa == "avx512amx") return cpu::linear_avx512amx();
  if (isa == "avx512") return cpu::linear_avx512();
  if (isa == "avx2vnni") return cpu::linear_avx2vnni();
  if (isa == "avx2") return cpu::linear_avx2();
  if (isa == "armi8mm") return cpu::linear_armi8mm();
  if (isa == "armdot") return cpu::linear_armdot();
  return isa == "portable" ? cpu::linear_portable() : nullptr;
}

int run(int argc, char** argv) {
  std::string isa;
  std::vector<int64_t> row_counts = {1, 2, 4, 8, 16, 64, 512};
  std::vector<std::string> formats;
  Setup s{nullptr, 2048, 5632, 5, 0, 0, {}};
  int pin = 0;
  CLI::App app("Speed of one thread's matrix products beside the roofs");
  app.add_option("--isa", isa, "avx512bf16, avx512amx, avx512vnni, avx512, avx2vnni, avx2 or portable");
  app.add_option("--rows", row_counts, "rows of activations")->allow_extra_args(false)->delimiter(',');
  app.add_option("--k", s.k, "columns, a multiple of 256");
  app.add_option("--n", s.n, "rows of the weight");
  app.add_option("--repeat", s.repeat, "the best of so many runs");
  app.add_option("--cpu", pin, "where the thread is pinned");
  app.add_option("formats", formats, "all, if none is named");
  CLI11_PARSE(app, argc, argv);
  try {
    isa = choose_isa(isa, detect_cpu_features());  // which also asks the system for AMX's tiles
  } catch (const Error& error) {
    std::fprintf(stderr, "linear_bench: %s\n", error.what());
    return 2;
  }
  s.kernels = find_set(isa);
  if (s.kernels == nullptr) {
    std::fprintf(stderr, "linear_bench: no set of kernels named %s in this build\n", isa.c_str());
    return 1;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(pin), &set);
  sched_setaffinity(0, sizeof set, &set);
  s.weights = huge_buffer(kBufferBytes);
  const Peak peak = int8_peak();
  s.peak_gops = peak.gops;
  s.bandwidth = read_bandwidth(s.weights);
  std::printf("%s, family %s, model %s; one thread, %s, k %ld, n %ld\n", cpu_line("model name").c_str(),
              cpu_line("cpu family").c_str(), cpu_line("model\t").c_str(), isa.c_str(),
              static_cast<long>(s.k), static_cast<long>(s.n));
  std::printf("int8 peak (%s) %.0f GOP/s, read bandwidth %.1f GB/s\n", peak.instruction, s.peak_gops,
              s.bandwidth);
  std::printf("format   rows     GOP/s   peak     GB/s  bandwidth\n");
  for (size_t i = 0; i < all_dtypes().size(); ++i) {
    const std::string name(all_dtypes()[i].name);
    if (!formats.empty() && std::ranges::find(formats, name) == formats.end()) continue;
    if (s.kernels->linear[i] == nullptr) continue;
    const int64_t copies = fill_weights(s, all_dtypes()[i].type);
    s.bandwidth = read_bandwidth(s.weights);
    for (int64_t rows : row_counts) measure(s, i, rows, copies);
  }
  return 0;
}

}  // namespace
}  // namespace yoke::bench

int main(int argc, char** argv) {
  return yoke::bench::run(argc, argv);
}
