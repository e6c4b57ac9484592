// A model file that shrinks while it is in use ends the program with one line, on any thread.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "base/fault_guard.h"
#include "gguf/gguf_file.h"
#include "gguf/gguf_writer.h"
#include "support/temp_folder.h"

namespace yoke {
namespace {

TEST(TruncatedWhileOpen, OneLineAndExitCodeThree) {
  const test::TempFolder folder;
  const std::string path = folder / "model.gguf";
  const int64_t shape[] = {1 << 20};
  GgufWriter w(path);
  w.declare("t", 24, shape);
  w.append(std::vector<std::byte>(1 << 20));
  w.finish();

  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    signal(SIGBUS, SIG_DFL);  // not a sanitizer's handler
    signal(SIGSEGV, SIG_DFL);
    install_fault_guard();
    const GgufFile file = GgufFile::open(path);
    if (truncate(path.c_str(), 4096) != 0) _exit(90);
    std::thread([&] { (void)*const_cast<const volatile std::byte*>(&file.tensors()[0].data.back()); }).join();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[1024];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3) << status;
  EXPECT_THAT(
      text, ::testing::StartsWith("yoke: reading " + path + ": the file was truncated or became unreadable"));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

}  // namespace
}  // namespace yoke
