#include "base/thread_team.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <vector>

namespace yoke {
namespace {

// Each phase sums what all members wrote in the one before: wrong as soon as a barrier lets anyone through.
void walk_phases(ThreadTeam& team, int phases) {
  const int members = team.size();
  std::vector<int64_t> even(members, 1);
  std::vector<int64_t> odd(members, 0);
  team.run([&](int member) {
    for (int phase = 0; phase < phases; ++phase) {
      const std::vector<int64_t>& from = phase % 2 == 0 ? even : odd;
      std::vector<int64_t>& to = phase % 2 == 0 ? odd : even;
      to[member] = std::accumulate(from.begin(), from.end(), int64_t{0}) % 1000003 + member;
      team.barrier(member);
    }
  });
  std::vector<int64_t> expected(members, 1);
  for (int phase = 0; phase < phases; ++phase) {
    const int64_t sum = std::accumulate(expected.begin(), expected.end(), int64_t{0}) % 1000003;
    for (int member = 0; member < members; ++member) expected[member] = sum + member;
  }
  EXPECT_EQ(phases % 2 == 0 ? even : odd, expected);
}

TEST(ThreadTeam, BarriersSeparatePhasesForAnyNumberOfMembers) {
  const int cpus = static_cast<int>(std::thread::hardware_concurrency());
  for (const int threads : {1, 2, 3, 5, 8}) {
    ThreadTeam team({.threads = threads, .cpus = {}, .oversubscribed = threads > cpus});
    for (int run = 0; run < 20; ++run) walk_phases(team, 50);
  }
}

TEST(ThreadTeam, MoreMembersThanCpusAreOnlySlowerWhenNotToldSo) {
  ThreadTeam team({.threads = 6, .cpus = {}, .oversubscribed = false});
  walk_phases(team, 10);
}

TEST(ThreadTeam, MembersThatSleptWakeUp) {
  ThreadTeam team({.threads = 3, .cpus = {}, .oversubscribed = false});
  for (int run = 0; run < 5; ++run) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    walk_phases(team, 4);
  }
}

TEST(ThreadTeam, AMemberThatComesLateIsWaitedFor) {
  ThreadTeam team({.threads = 2, .cpus = {}, .oversubscribed = false});
  for (int late = 0; late < 2; ++late) {
    int value = 0;
    int seen[2] = {};
    team.run([&](int member) {
      if (member == late) {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        value = 7;
      }
      team.barrier(member);
      seen[member] = value;
    });
    EXPECT_EQ(seen[0], 7);
    EXPECT_EQ(seen[1], 7);
  }
}

TEST(ThreadTeam, PinningLeavesTheCallersMaskAsItWas) {
  cpu_set_t before;
  ASSERT_EQ(pthread_getaffinity_np(pthread_self(), sizeof before, &before), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &before)) ++cpu;
  ThreadTeam team({.threads = 2, .cpus = {cpu, cpu}, .oversubscribed = true});
  walk_phases(team, 10);
  cpu_set_t after;
  ASSERT_EQ(pthread_getaffinity_np(pthread_self(), sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(ThreadTeam, CallersMayChangeFromRunToRun) {
  ThreadTeam team({.threads = 3, .cpus = {}, .oversubscribed = true});
  for (int i = 0; i < 4; ++i) std::thread([&] { walk_phases(team, 6); }).join();
}

}  // namespace
}  // namespace yoke
