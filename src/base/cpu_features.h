// Which of our instruction sets this CPU and its operating system can run.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

struct CpuFeatures {
  bool avx2 = false;  // with FMA and F16C, registers saved by the system
  bool avxvnni = false;
  bool avx512 = false;  // F, BW, DQ, VL
  bool avx512vnni = false;
  bool avx512bf16 = false;  // and VNNI
  bool amx_int8 = false;    // and the system lets this process use the tiles
  bool armdot = false;      // AArch64 dot products (FEAT_DotProd)
  bool armi8mm = false;     // and FEAT_I8MM
  int family = 0;           // as CPUID tells: Zen 4 is 25, Zen 5 is 26
  int model = 0;
  std::string brand;  // "AMD EPYC 9B14"
};
CpuFeatures detect_cpu_features();

// Names of kernel sets, best first: "avx512amx", "avx512bf16", "avx512vnni", "avx512", "avx2vnni", "avx2",
// "armi8mm", "armdot", "portable".
std::vector<std::string_view> isas_of(const CpuFeatures& features);

// Empty: the best. A name that this CPU lacks, or that nobody knows, is a kUsage error listing what it has.
std::string choose_isa(std::string_view asked, const CpuFeatures& features);

}  // namespace yoke
