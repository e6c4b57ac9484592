#include "devices/cpu/roofs.h"

#include <gtest/gtest.h>

namespace yoke {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(Roofs, APassReadsFarMoreThanTheCachesHold) {
  EXPECT_EQ(roof_bytes(0, 24576 * kMiB), 256 * kMiB);          // nobody tells of caches
  EXPECT_EQ(roof_bytes(32 * kMiB, 24576 * kMiB), 256 * kMiB);  // small ones
  EXPECT_EQ(roof_bytes(300 * kMiB, 131072 * kMiB), 900 * kMiB);
  EXPECT_EQ(roof_bytes(300 * kMiB, 4096 * kMiB), 512 * kMiB);  // an eighth of the memory
  EXPECT_EQ(roof_bytes(4096 * kMiB, 1048576 * kMiB), 2048 * kMiB);
  EXPECT_EQ(roof_bytes(UINT64_MAX, UINT64_MAX), 2048 * kMiB);
}

TEST(Roofs, MeasuresWhatItIsAskedFor) {
  const CpuRoofs roofs =
      measure_cpu_roofs({.threads = 2, .isa = "portable", .bytes = 4 * kMiB, .seconds = 0.01});
  EXPECT_EQ(roofs.threads, 2);
  EXPECT_EQ(roofs.isa, "portable");
  EXPECT_GT(roofs.read_gb_s, 0);
  EXPECT_GT(roofs.int8_gop_s, 0);
}

}  // namespace
}  // namespace yoke
