#include "base/cpu_topology.h"

#include <hwloc.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/error.h"

namespace yoke {
namespace {

struct DestroyTopology {
  void operator()(hwloc_topology* t) const { hwloc_topology_destroy(t); }
};
using TopologyPtr = std::unique_ptr<hwloc_topology, DestroyTopology>;

TopologyPtr load_topology(const std::string& synthetic) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) {
    fail(ErrorKind::kRuntime, "looking at the CPU's cores", "hwloc cannot start");
  }
  TopologyPtr topology(raw);
  if (!synthetic.empty() && hwloc_topology_set_synthetic(raw, synthetic.c_str()) != 0) {
    fail(ErrorKind::kUsage, "looking at the CPU's cores",
         "hwloc does not understand the synthetic machine '" + synthetic + "'");
  }
  if (hwloc_topology_load(raw) != 0) {
    fail(ErrorKind::kRuntime, "looking at the CPU's cores", "hwloc cannot read this machine");
  }
  return topology;
}

// Only this machine's own topology is cut by the affinity mask.
void keep_bound(hwloc_topology_t topology, hwloc_bitmap_t usable) {
  if (hwloc_topology_is_thissystem(topology) == 0) return;
  hwloc_bitmap_t bound = hwloc_bitmap_alloc();
  if (hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) == 0 &&
      hwloc_bitmap_intersects(usable, bound)) {
    hwloc_bitmap_and(usable, usable, bound);
  }
  hwloc_bitmap_free(bound);
}

int node_of(hwloc_topology_t topology, hwloc_obj_t core) {
  const int nodes = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
  for (int i = 0; i < nodes; ++i) {
    const hwloc_obj_t node = hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, static_cast<unsigned>(i));
    if (hwloc_bitmap_intersects(node->cpuset, core->cpuset)) return i;
  }
  return 0;
}

int os_number(hwloc_topology_t topology, int node) {
  const hwloc_obj_t object = hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, static_cast<unsigned>(node));
  return object == nullptr ? 0 : static_cast<int>(object->os_index);
}

uint64_t last_caches(hwloc_topology_t topology, hwloc_const_bitmap_t usable) {
  for (const hwloc_obj_type_t level :
       {HWLOC_OBJ_L5CACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE}) {
    uint64_t bytes = 0;
    for (hwloc_obj_t cache = hwloc_get_next_obj_by_type(topology, level, nullptr); cache != nullptr;
         cache = hwloc_get_next_obj_by_type(topology, level, cache)) {
      if (hwloc_bitmap_intersects(cache->cpuset, usable) != 0) bytes += cache->attr->cache.size;
    }
    if (bytes > 0) return bytes;
  }
  return 0;
}

std::optional<std::string> first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<double> ratio(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return std::nullopt;
  return quota / period;
}

// "200000 100000" or "max 100000"
std::optional<double> limit_v2(const std::filesystem::path& folder) {
  const auto line = first_line(folder / "cpu.max");
  if (!line) return std::nullopt;
  std::istringstream words(*line);
  double quota = 0;
  double period = 0;
  if (!(words >> quota >> period)) return std::nullopt;
  return ratio(quota, period);
}

std::optional<double> limit_v1(const std::filesystem::path& folder) {
  const auto quota = first_line(folder / "cpu.cfs_quota_us");
  const auto period = first_line(folder / "cpu.cfs_period_us");
  if (!quota || !period) return std::nullopt;
  return ratio(std::atof(quota->c_str()), std::atof(period->c_str()));
}

// The least limit of the group and of all its parents: each binds. Inside a container the group's path may
// not exist below the mount, then the mount itself is the group.
template <class Limit>
std::optional<double> least_limit(const std::filesystem::path& mount, std::string group, Limit limit) {
  std::optional<double> least;
  const auto take = [&](std::optional<double> value) {
    if (value && (!least || *value < *least)) least = value;
  };
  while (!group.empty() && group.front() == '/') group.erase(0, 1);
  std::filesystem::path path = group;
  for (int depth = 0; depth < 64 && !path.empty(); ++depth) {
    take(limit(mount / path));
    path = path.parent_path();
  }
  take(limit(mount));
  return least;
}

bool names_cpu(const std::string& controllers) {
  std::istringstream words(controllers);
  std::string word;
  while (std::getline(words, word, ',')) {
    if (word == "cpu") return true;
  }
  return false;
}

}  // namespace

CpuTopology detect_cpu_topology(const std::string& synthetic) {
  const TopologyPtr loaded = load_topology(synthetic);
  hwloc_topology_t topology = loaded.get();
  CpuTopology result;
  hwloc_bitmap_t usable = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology));
  keep_bound(topology, usable);
  const int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
  for (int i = 0; i < cores; ++i) {
    const hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, static_cast<unsigned>(i));
    CpuCore entry{node_of(topology, core), {}};
    for (int cpu = hwloc_bitmap_first(core->cpuset); cpu >= 0; cpu = hwloc_bitmap_next(core->cpuset, cpu)) {
      if (hwloc_bitmap_isset(usable, static_cast<unsigned>(cpu)) != 0) entry.cpus.push_back(cpu);
    }
    if (!entry.cpus.empty()) result.cores.push_back(std::move(entry));
  }
  // Some virtual machines tell of no cores: every usable CPU is taken as one.
  if (result.cores.empty()) {
    for (int cpu = hwloc_bitmap_first(usable); cpu >= 0; cpu = hwloc_bitmap_next(usable, cpu)) {
      result.cores.push_back({0, {cpu}});
    }
  }
  result.cache_bytes = last_caches(topology, usable);
  hwloc_bitmap_free(usable);
  if (result.cores.empty()) result.cores.push_back({0, {0}});
  std::sort(result.cores.begin(), result.cores.end(), [](const CpuCore& a, const CpuCore& b) {
    return a.node != b.node ? a.node < b.node : a.cpus[0] < b.cpus[0];
  });
  // Nodes without usable cores do not count: the rest are numbered from 0 again.
  int next = -1;
  int last = -1;
  for (CpuCore& core : result.cores) {
    if (core.node != last) {
      last = core.node;
      ++next;
      result.os_nodes.push_back(os_number(topology, last));
    }
    core.node = next;
  }
  result.nodes = next + 1;
  result.memory_bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  return result;
}

std::optional<double> cgroup_cpu_limit(const std::filesystem::path& root) {
  const std::filesystem::path mount = root / "sys/fs/cgroup";
  std::ifstream file(root / "proc/self/cgroup");
  std::optional<double> least;
  const auto take = [&](std::optional<double> value) {
    if (value && (!least || *value < *least)) least = value;
  };
  std::string line;
  while (std::getline(file, line)) {
    // hierarchy:controllers:path; version 2 has hierarchy 0 and no controllers
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      take(least_limit(mount, group, limit_v2));
    } else if (names_cpu(controllers)) {
      take(least_limit(mount / "cpu", group, limit_v1));
      take(least_limit(mount / controllers, group, limit_v1));
    }
  }
  return least;
}

TeamPlan plan_team(const CpuTopology& topology, std::optional<double> limit, int threads) {
  const int cores = static_cast<int>(topology.cores.size());
  int granted = cores;
  if (limit) granted = std::clamp(static_cast<int>(std::floor(*limit + 0.01)), 1, cores);
  TeamPlan plan;
  plan.threads = threads > 0 ? threads : granted;

  // First one CPU per core, then the cores' further CPUs, then around again.
  struct Place {
    int cpu;
    int node;
  };
  std::vector<Place> places;
  for (size_t level = 0;; ++level) {
    const size_t before = places.size();
    for (const CpuCore& core : topology.cores) {
      if (level < core.cpus.size()) places.push_back({core.cpus[level], core.node});
    }
    if (places.size() == before) break;
  }
  plan.oversubscribed =
      plan.threads > static_cast<int>(places.size()) || (limit && plan.threads > *limit + 0.01);
  std::vector<Place> chosen;
  if (plan.threads < cores && topology.nodes > 1) {
    // Fewer members than cores: spread evenly over the nodes, for their memories' sake.
    for (int i = 0; i < plan.threads; ++i) {
      chosen.push_back(places[static_cast<size_t>(i) * cores / plan.threads]);
    }
  } else {
    for (int i = 0; i < plan.threads; ++i) chosen.push_back(places[i % places.size()]);
  }
  // The caller is most often on the first CPU already.
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const Place& a, const Place& b) { return a.node < b.node; });
  for (const Place& place : chosen) {
    plan.cpus.push_back(place.cpu);
    plan.nodes.push_back(place.node);
  }
  return plan;
}

}  // namespace yoke
