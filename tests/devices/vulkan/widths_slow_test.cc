// The conformance suite again in processes of their own: other vector widths of lavapipe (subgroups of 4 and
// 16) and its own threads; and every size of the suite.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "devices/conformance/conformance.h"
#include "support/temp_folder.h"
#include "validated_device.h"

namespace yoke {
namespace {

// Runs the suite in a child with the variable set (null: unset); lavapipe reads it once in a process. Mesa's
// shader cache does not tell vector widths apart, so that each gets a new one: else it would run another
// width's code.
int suite_with(const char* variable, const char* value) {
  const test::TempFolder cache;
  const pid_t child = fork();
  if (child == 0) {
    value != nullptr ? setenv(variable, value, 1) : unsetenv(variable);
    setenv("MESA_SHADER_CACHE_DIR", cache.path().c_str(), 1);
    execl("/proc/self/exe", "test", "--gtest_filter=WholeSuite.Passes", static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class WholeSuite : public ValidatedDevice {};

TEST_F(WholeSuite, Passes) {
  expect_passed(run_conformance(open(), {}));
}

TEST_F(WholeSuite, PassesThoroughly) {
  expect_passed(run_conformance(open(), {.thorough = true}));
}

TEST(VulkanWidths, SubgroupsOfFour) {
  EXPECT_EQ(suite_with("LP_NATIVE_VECTOR_WIDTH", "128"), 0);
}

TEST(VulkanWidths, SubgroupsOfSixteen) {
  EXPECT_EQ(suite_with("LP_NATIVE_VECTOR_WIDTH", "512"), 0);
}

TEST(VulkanWidths, ThreadsUnset) {
  EXPECT_EQ(suite_with("LP_NUM_THREADS", nullptr), 0);
}

}  // namespace
}  // namespace yoke
