#include "base/fault_guard.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>

#include "support/temp_folder.h"

namespace yoke {
namespace {

using test::TempFolder;
using ::testing::HasSubstr;

struct ChildEnd {
  int status = 0;
  std::string text;  // what it wrote to stderr
  bool exited_with(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
};

// The program's own handlers must be in charge, not those of a sanitizer or of the test's parent.
ChildEnd in_child(const std::function<void()>& work) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    install_fault_guard();
    work();
    _exit(0);
  }
  close(ends[1]);
  ChildEnd end;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    end.text.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  waitpid(child, &end.status, 0);
  return end;
}

constexpr size_t kBytes = 1 << 16;

class MappedWeights {
 public:
  explicit MappedWeights(const std::string& path) : path_(path) {
    const int fd = open(path.c_str(), O_CREAT | O_RDWR, 0600);
    if (ftruncate(fd, kBytes) != 0) _exit(90);
    memory_ = mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (memory_ == MAP_FAILED) _exit(91);
  }
  void* memory() const { return memory_; }
  void truncate_file() const {
    if (truncate(path_.c_str(), 0) != 0) _exit(92);
  }
  void touch() const { (void)static_cast<volatile const char*>(memory_)[kBytes - 1]; }

 private:
  std::string path_;
  void* memory_;
};

TEST(FaultGuard, ATruncatedFileEndsTheProgramWithOneLine) {
  TempFolder folder;
  const ChildEnd end = in_child([&] {
    const MappedWeights weights(folder / "model.gguf");
    const GuardedRange guard(weights.memory(), kBytes, folder / "model.gguf");
    weights.touch();
    weights.truncate_file();
    weights.touch();
  });
  EXPECT_TRUE(end.exited_with(3)) << end.status;
  EXPECT_THAT(end.text, HasSubstr("yoke: reading " + (folder / "model.gguf") + ": the file was truncated"));
  EXPECT_EQ(std::count(end.text.begin(), end.text.end(), '\n'), 1);
  EXPECT_EQ(end.text.back(), '\n');
}

TEST(FaultGuard, WorksOnASecondThread) {
  TempFolder folder;
  const ChildEnd end = in_child([&] {
    const MappedWeights weights(folder / "model.gguf");
    const GuardedRange guard(weights.memory(), kBytes, "model.gguf");
    weights.truncate_file();
    std::thread([&] { weights.touch(); }).join();
  });
  EXPECT_TRUE(end.exited_with(3)) << end.status;
  EXPECT_THAT(end.text, HasSubstr("yoke: reading model.gguf: "));
}

TEST(FaultGuard, NamesTheFileAtFault) {
  TempFolder folder;
  const ChildEnd end = in_child([&] {
    const MappedWeights a(folder / "a"), b(folder / "b"), c(folder / "c");
    const GuardedRange guard_a(a.memory(), kBytes, "file a");
    GuardedRange moved(b.memory(), kBytes, "file\nb");
    const GuardedRange guard_c(c.memory(), kBytes, "file c");
    const GuardedRange guard_b = std::move(moved);
    b.truncate_file();
    b.touch();
  });
  EXPECT_TRUE(end.exited_with(3)) << end.status;
  EXPECT_THAT(end.text, HasSubstr("reading file?b: "));
}

TEST(FaultGuard, AMappingNoLongerRegisteredCrashesAsBefore) {
  TempFolder folder;
  const ChildEnd end = in_child([&] {
    const MappedWeights weights(folder / "model.gguf");
    { const GuardedRange guard(weights.memory(), kBytes, "model.gguf"); }
    weights.truncate_file();
    weights.touch();
  });
  EXPECT_TRUE(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGBUS) << end.status;
  EXPECT_EQ(end.text, "");
}

TEST(FaultGuard, OtherFaultsCrashAsBefore) {
  const ChildEnd end = in_child([] {
    void* forbidden = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *static_cast<volatile int*>(forbidden) = 1;
  });
  EXPECT_TRUE(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV) << end.status;
  const ChildEnd raised = in_child([] { raise(SIGSEGV); });
  EXPECT_TRUE(WIFSIGNALED(raised.status) && WTERMSIG(raised.status) == SIGSEGV) << raised.status;
}

TEST(FaultGuard, AWriteIntoTheMappingIsOurMistakeNotTheFiles) {
  TempFolder folder;
  const ChildEnd end = in_child([&] {
    const MappedWeights weights(folder / "model.gguf");
    const GuardedRange guard(weights.memory(), kBytes, "model.gguf");
    static_cast<volatile char*>(weights.memory())[0] = 1;
  });
  EXPECT_TRUE(WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV) << end.status;
}

TEST(FaultGuard, SlotsAreReusedWhileManyThreadsRegister) {
  std::vector<std::thread> threads;
  std::vector<char> memory(64);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        GuardedRange a(memory.data(), 8, "a");
        GuardedRange b(memory.data() + 8, 8, "b");
        a = std::move(b);
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace yoke
