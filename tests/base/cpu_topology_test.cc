#include "base/cpu_topology.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/memory_node.h"

namespace yoke {
namespace {

namespace fs = std::filesystem;

// A file tree as a container sees it.
class FakeRoot {
 public:
  FakeRoot() : path_(fs::temp_directory_path() / ("yoke_cgroup_" + std::to_string(getpid()))) {
    fs::remove_all(path_);
  }
  ~FakeRoot() { fs::remove_all(path_); }
  void add(const std::string& file, const std::string& text) {
    fs::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

TEST(CpuTopology, ThisMachineHasCores) {
  const CpuTopology topology = detect_cpu_topology();
  ASSERT_FALSE(topology.cores.empty());
  EXPECT_GE(topology.nodes, 1);
  EXPECT_GT(topology.memory_bytes, 0u);
  for (const CpuCore& core : topology.cores) EXPECT_FALSE(core.cpus.empty());
}

TEST(CpuTopology, SyntheticNodesAndSiblings) {
  const CpuTopology topology = detect_cpu_topology("node:2 core:4 pu:2");
  ASSERT_EQ(topology.cores.size(), 8u);
  EXPECT_EQ(topology.nodes, 2);
  EXPECT_EQ(topology.cores[3].node, 0);
  EXPECT_EQ(topology.cores[4].node, 1);
  EXPECT_EQ(topology.cores[4].cpus, (std::vector<int>{8, 9}));
}

TEST(CpuTopology, TheLastCachesOfAllCoresCount) {
  EXPECT_EQ(detect_cpu_topology("node:2 l3:2(size=33554432) l2:4(size=1048576) core:1 pu:1").cache_bytes,
            128u << 20);
  EXPECT_EQ(detect_cpu_topology("node:1 l2:4(size=2097152) core:1 pu:1").cache_bytes, 8u << 20);
  EXPECT_EQ(detect_cpu_topology("node:1 core:4 pu:1").cache_bytes, 0u);
}

TEST(CpuTopology, MemoryMovesToTheNodeThatThisMachineHas) {
  const CpuTopology topology = detect_cpu_topology();
  ASSERT_EQ(topology.os_nodes.size(), static_cast<size_t>(topology.nodes));
  std::vector<std::byte> memory(1 << 20, std::byte{3});
  move_to_memory_node(memory.data(), memory.size(), topology.os_nodes[0]);  // some sandboxes refuse
  EXPECT_FALSE(move_to_memory_node(memory.data(), memory.size(), -1));
  EXPECT_EQ(memory[123456], std::byte{3});
}

TEST(CpuTopology, AnUnknownDescriptionIsAUsageError) {
  try {
    detect_cpu_topology("nonsense:x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

TEST(CpuTopology, TheVariableReplacesThisMachine) {
  setenv("HWLOC_SYNTHETIC", "node:1 core:3 pu:1", 1);
  const CpuTopology topology = detect_cpu_topology();
  unsetenv("HWLOC_SYNTHETIC");
  EXPECT_EQ(topology.cores.size(), 3u);
}

TEST(CgroupLimit, Version2TakesTheLeastOfTheGroupAndItsParents) {
  FakeRoot root;
  root.add("proc/self/cgroup", "0::/a/b\n");
  root.add("sys/fs/cgroup/a/cpu.max", "250000 100000\n");
  root.add("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cpu_limit(root.path()), 2.5);
  root.add("sys/fs/cgroup/a/b/cpu.max", "150000 100000\n");
  EXPECT_EQ(cgroup_cpu_limit(root.path()), 1.5);
}

TEST(CgroupLimit, Version2InsideAContainer) {
  FakeRoot root;
  root.add("proc/self/cgroup", "0::/\n");
  root.add("sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(cgroup_cpu_limit(root.path()), 4.0);
}

TEST(CgroupLimit, Version1) {
  FakeRoot root;
  root.add("proc/self/cgroup", "12:memory:/x\n4:cpu,cpuacct:/docker/abc\n0::/\n");
  root.add("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "300000\n");
  root.add("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_limit(root.path()), 3.0);
  root.add("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cgroup_cpu_limit(root.path()), std::nullopt);
}

TEST(CgroupLimit, NoFilesOrDamagedFilesMeanNoLimit) {
  FakeRoot root;
  EXPECT_EQ(cgroup_cpu_limit(root.path()), std::nullopt);
  root.add("proc/self/cgroup", "garbage\n0:\n0::/../../..\n");
  root.add("sys/fs/cgroup/cpu.max", "lots\n");
  EXPECT_EQ(cgroup_cpu_limit(root.path()), std::nullopt);
}

TEST(PlanTeam, OneThreadPerCoreWithinTheQuota) {
  const CpuTopology topology = detect_cpu_topology("node:1 core:4 pu:2");
  EXPECT_EQ(plan_team(topology, std::nullopt, 0).threads, 4);
  EXPECT_EQ(plan_team(topology, 2.5, 0).threads, 2);
  EXPECT_EQ(plan_team(topology, 0.5, 0).threads, 1);
  EXPECT_EQ(plan_team(topology, std::nullopt, 0).cpus, (std::vector<int>{0, 2, 4, 6}));
}

TEST(PlanTeam, SiblingsComeAfterAllCoresAndThenItIsOversubscribed) {
  const CpuTopology topology = detect_cpu_topology("node:1 core:2 pu:2");
  EXPECT_EQ(plan_team(topology, std::nullopt, 3).cpus, (std::vector<int>{0, 2, 1}));
  EXPECT_FALSE(plan_team(topology, std::nullopt, 4).oversubscribed);
  const TeamPlan five = plan_team(topology, std::nullopt, 5);
  EXPECT_TRUE(five.oversubscribed);
  EXPECT_EQ(five.cpus.size(), 5u);
  EXPECT_TRUE(plan_team(topology, 2.0, 3).oversubscribed);
}

TEST(PlanTeam, FewThreadsAreSpreadOverTheNodesAndStandTogether) {
  const CpuTopology topology = detect_cpu_topology("node:2 core:4 pu:1");
  EXPECT_EQ(plan_team(topology, std::nullopt, 4).nodes, (std::vector<int>{0, 0, 1, 1}));
  EXPECT_EQ(plan_team(topology, std::nullopt, 8).nodes, (std::vector<int>{0, 0, 0, 0, 1, 1, 1, 1}));
}

}  // namespace
}  // namespace yoke
