#include "base/cpu_features.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace yoke {
namespace {

#if defined(__x86_64__)

struct Registers {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(uint32_t leaf, uint32_t sub = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, sub, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}

bool bit(uint32_t word, int n) {
  return (word >> n & 1u) != 0;
}

// Which register files the operating system saves (XCR0); 0 without xgetbv.
uint64_t saved_state(const Registers& leaf1) {
  if (!bit(leaf1.c, 27)) return 0;
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

// Linux saves AMX's tiles only for a process that asked (arch_prctl ARCH_REQ_XCOMP_PERM, XFEATURE 18); asking
// again is fine.
bool may_use_tiles() {
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

std::string brand_string() {
  char text[49] = {};
  for (uint32_t i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002u + i);
    std::memcpy(text + 16 * i, &r, 16);
  }
  std::string brand(text);
  const size_t first = brand.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return brand.substr(first, brand.find_last_not_of(' ') - first + 1);
}

#endif

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures f;
#if defined(__x86_64__)
  const Registers one = cpuid(1);
  const Registers seven = cpuid(7);
  const Registers seven1 = cpuid(7, 1);
  const uint64_t saved = saved_state(one);
  const bool ymm = (saved & 0x6) == 0x6;
  const bool zmm = (saved & 0xE6) == 0xE6;
  const bool tiles = (saved & 0x60000) == 0x60000;
  f.avx2 = ymm && bit(seven.b, 5) && bit(one.c, 12) && bit(one.c, 29);
  f.avxvnni = f.avx2 && bit(seven1.a, 4);
  f.avx512 = f.avx2 && zmm && bit(seven.b, 16) && bit(seven.b, 17) && bit(seven.b, 30) && bit(seven.b, 31);
  f.avx512vnni = f.avx512 && bit(seven.c, 11);
  f.avx512bf16 = f.avx512vnni && bit(seven1.a, 5);
  f.amx_int8 = f.avx512vnni && tiles && bit(seven.d, 24) && bit(seven.d, 25) && may_use_tiles();
  f.family = static_cast<int>(one.a >> 8 & 15u);
  f.model = static_cast<int>(one.a >> 4 & 15u);
  if (f.family == 15 || f.family == 6) f.model += static_cast<int>((one.a >> 16 & 15u) << 4);
  if (f.family == 15) f.family += static_cast<int>(one.a >> 20 & 255u);
  f.brand = brand_string();
#elif defined(__aarch64__) && defined(__linux__)
  // Bits of Linux's asm/hwcap.h: HWCAP_ASIMDDP and HWCAP2_I8MM.
  f.armdot = (getauxval(AT_HWCAP) >> 20 & 1u) != 0;
  f.armi8mm = f.armdot && (getauxval(AT_HWCAP2) >> 13 & 1u) != 0;
#endif
  return f;
}

std::vector<std::string_view> isas_of(const CpuFeatures& features) {
  std::vector<std::string_view> names;
  if (features.amx_int8 && features.avx512bf16) names.push_back("avx512amx");
  if (features.avx512bf16) names.push_back("avx512bf16");
  if (features.avx512vnni) names.push_back("avx512vnni");
  if (features.avx512) names.push_back("avx512");
  if (features.avxvnni) names.push_back("avx2vnni");
  if (features.avx2) names.push_back("avx2");
  if (features.armi8mm) names.push_back("armi8mm");
  if (features.armdot) names.push_back("armdot");
  names.push_back("portable");
  return names;
}

std::string choose_isa(std::string_view asked, const CpuFeatures& features) {
  const std::vector<std::string_view> have = isas_of(features);
  if (asked.empty()) return std::string(have.front());
  if (std::find(have.begin(), have.end(), asked) != have.end()) return std::string(asked);
  std::string list;
  for (const std::string_view name : have) list += (list.empty() ? "" : ", ") + std::string(name);
  fail(ErrorKind::kUsage, "choosing the instruction set",
       "this CPU cannot run '" + std::string(asked) + "' (it has " + list + ")");
}

}  // namespace yoke
