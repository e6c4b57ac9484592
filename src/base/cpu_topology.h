// Which CPUs the team of threads may use: cores and memory nodes, within the affinity mask and the
// container's quota.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

struct CpuCore {
  int node = 0;           // NUMA node, counted from 0 in order
  std::vector<int> cpus;  // its logical CPUs that may be used, ascending
};

struct CpuTopology {
  std::vector<CpuCore> cores;  // with at least one usable CPU; by node, then by CPU
  int nodes = 1;
  std::vector<int> os_nodes;  // [nodes] as the system numbers them
  uint64_t memory_bytes = 0;  // of the machine
  uint64_t cache_bytes = 0;   // of the last level's caches of these cores, all together; 0: not told
};

// `synthetic`: hwloc's description of a machine, e.g. "node:2 core:4 pu:2"; empty: this machine (or what the
// variable HWLOC_SYNTHETIC says), within this process's affinity mask.
CpuTopology detect_cpu_topology(const std::string& synthetic = "");

// CPUs' worth of time that the control group grants, by its version 2 or 1 files below `root` ("/" outside of
// tests); none: no limit.
std::optional<double> cgroup_cpu_limit(const std::filesystem::path& root = "/");

struct TeamPlan {
  int threads = 1;
  std::vector<int> cpus;        // [threads] logical CPU of each member
  std::vector<int> nodes;       // [threads] its memory node
  bool oversubscribed = false;  // more threads than logical CPUs or than the quota
};
// threads 0: one per core within the quota. Members of one node stand together.
TeamPlan plan_team(const CpuTopology& topology, std::optional<double> limit, int threads);

}  // namespace yoke
