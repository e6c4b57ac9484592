// What this machine can do at most, measured now: the roofs beside which speeds are told.
#pragma once

#include <cstdint>
#include <string>

namespace yoke {

struct CpuRoofs {
  int threads = 1;
  double read_gb_s = 0;   // all threads reading memory in order, 10^9 bytes a second
  double int8_gop_s = 0;  // all threads' int8 dot products from registers, a multiply and an add are two
  std::string isa;        // of the dot products
  int family = 0;
  int model = 0;
  std::string brand;
};

struct RoofOptions {
  int threads = 0;       // as CpuOptions
  std::string isa;       // as CpuOptions
  uint64_t bytes = 0;    // read per pass; 0: far more than the caches hold
  double seconds = 0.3;  // per roof
};

// What a pass reads where nobody says: three times the last caches, so that none of it is left there from the
// pass before; at least 256 MiB, at most 2 GiB and an eighth of the memory.
uint64_t roof_bytes(uint64_t cache_bytes, uint64_t memory_bytes);

// The best pass of each: the bandwidth of virtual machines wanders.
CpuRoofs measure_cpu_roofs(const RoofOptions& options = {});

}  // namespace yoke
