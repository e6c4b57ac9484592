#include "gguf/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "support/temp_folder.h"

namespace yoke {
namespace {

using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Both ways of being unfinished: without a name, and under a temporary one.
class AtomicFileTest : public ::testing::TestWithParam<AtomicFile::Temporary> {
 protected:
  std::string path() const { return folder_ / "out.bin"; }
  TempFolder folder_;
};

const std::vector<std::byte> kOld(10, std::byte{1});
const std::vector<std::byte> kNew(3'000'000, std::byte{2});

TEST_P(AtomicFileTest, AppearsWithCommit) {
  test::write_bytes(path(), kOld);
  {
    AtomicFile file(path(), kNew.size() + 100, GetParam());
    file.write(std::span(kNew).first(1000));
    file.write(std::span(kNew).subspan(1000));
    EXPECT_EQ(file.position(), kNew.size());
    EXPECT_EQ(test::read_bytes(path()), kOld);
    file.commit();
  }
  EXPECT_EQ(test::read_bytes(path()), kNew);  // what was reserved too much is gone
  EXPECT_THAT(folder_.names(), ElementsAre("out.bin"));
}

TEST_P(AtomicFileTest, GivenUpLeavesNothing) {
  {
    AtomicFile file(path(), 1 << 20, GetParam());
    file.write(kNew);
  }
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_P(AtomicFileTest, HasThePermissionsOfAnyNewFile) {
  AtomicFile file(path(), 0, GetParam());
  file.commit();
  test::write_bytes(folder_ / "plain", {});
  struct stat ours, plain;
  ASSERT_EQ(stat(path().c_str(), &ours), 0);
  ASSERT_EQ(stat((folder_ / "plain").c_str(), &plain), 0);
  EXPECT_EQ(ours.st_mode, plain.st_mode);
}

// A limit on the size of files stands in for a full disk.
TEST_P(AtomicFileTest, AWriteThatFailsLeavesTheOldFile) {
  test::write_bytes(path(), kOld);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {1 << 16, 1 << 16};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::string message;
    try {
      AtomicFile file(path(), 0, GetParam());
      file.write(kNew);
      file.commit();
    } catch (const Error& e) {
      message = e.what();
    }
    _exit(message.find("out.bin: cannot write: File too large (") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(test::read_bytes(path()), kOld);
  EXPECT_THAT(folder_.names(), ElementsAre("out.bin"));
}

TEST_P(AtomicFileTest, AFolderThatIsNotThere) {
  try {
    AtomicFile file(folder_ / "none/out.bin", 0, GetParam());
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("cannot create it: No such file or directory (choose a folder"));
  }
}

INSTANTIATE_TEST_SUITE_P(Both, AtomicFileTest,
                         ::testing::Values(AtomicFile::Temporary::kUnnamedIfPossible,
                                           AtomicFile::Temporary::kNamed),
                         [](const auto& way) {
                           return way.param == AtomicFile::Temporary::kNamed ? "Named" : "Unnamed";
                         });

}  // namespace
}  // namespace yoke
