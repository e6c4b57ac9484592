// Files that break, vanish, may not be read or written, and processes that are killed.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "process.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

using testing::HasSubstr;

// The rights of files bind even root then.
void drop_privileges() {
  constexpr int kDacOverride = 1, kDacReadSearch = 2;
  prctl(PR_CAPBSET_DROP, kDacOverride);
  prctl(PR_CAPBSET_DROP, kDacReadSearch);
}

TEST(Files, AModelTruncatedDuringDecodeEndsTheRunWithOneLine) {
  const TempFolder folder;
  const std::string model = folder / "model.gguf";
  std::filesystem::copy_file(TinyModel::untied(), model);
  Process p({"run", model, "--raw", "-p", "abc", "--temp", "0", "-c", "60000"});
  p.wait_for_output();
  ASSERT_EQ(truncate(model.c_str(), 0), 0);
  const Result r = p.finish();
  EXPECT_EQ(r.code, 3) << r.err;
  EXPECT_THAT(r.err, testing::StartsWith("yoke: reading " + model));
  EXPECT_THAT(r.err, HasSubstr("truncated"));
  EXPECT_EQ(std::ranges::count(r.err, '\n'), 1) << r.err;
}

TEST(Files, UnreadableFilesAreExitCode3) {
  const TempFolder folder;
  const std::string model = folder / "model.gguf", text = folder / "text";
  std::filesystem::copy_file(TinyModel::tied(), model);
  write_bytes(text, std::vector<std::byte>(100, std::byte{'x'}));
  chmod(text.c_str(), 0);
  const Spawn spawn{.in_child = drop_privileges};
  EXPECT_THAT(expect_error(run({"run", model, "-f", text}, spawn), 3), HasSubstr("Permission denied"));
  chmod(model.c_str(), 0);
  EXPECT_THAT(expect_error(run({"run", model, "-p", "x"}, spawn), 3), HasSubstr("Permission denied"));
  EXPECT_THAT(expect_error(run({"quantize", model, folder / "out.gguf", "--type", "Q4_0"}, spawn), 3),
              HasSubstr("Permission denied"));
}

TEST(Files, AFolderThatMayNotBeWrittenToIsOneLine) {
  const TempFolder folder;
  const std::string locked = folder / "locked";
  std::filesystem::create_directory(locked);
  chmod(locked.c_str(), 0555);
  const Spawn spawn{.in_child = drop_privileges};
  const std::string text = YOKE_TESTS_DIR "/golden/english.txt";
  for (const Arguments& arguments :
       {Arguments{"quantize", TinyModel::tied(), locked + "/out.gguf", "--type", "Q4_0"},
        {"synth", "--like", "SmolLM2-135M", "--layers", "1", "--hidden", "64", "--vocabulary", "320",
         "--heads", "1", "--kv-heads", "1", "--head-dim", "64", "--feed-forward", "64", locked + "/out.gguf"},
        {"perplexity", TinyModel::tied(), "-f", text, "--logits", locked + "/out.npy"}}) {
    EXPECT_THAT(expect_error(run(arguments, spawn), 1), HasSubstr("writing " + locked));
  }
  expect_error(run({"quantize", TinyModel::tied(), folder / "none/out.gguf", "--type", "Q4_0"}), 1);
  expect_error(run({"quantize", TinyModel::tied(), folder.path(), "--type", "Q4_0"}), 1);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"locked"});
}

// As on a full disk: no file may grow beyond that size.
TEST(Files, WithoutRoomNothingIsLeftBehind) {
  const TempFolder folder;
  const Spawn spawn{.in_child = [] {
    const rlimit limit{300'000, 300'000};
    setrlimit(RLIMIT_FSIZE, &limit);
  }};
  const std::string text = YOKE_TESTS_DIR "/golden/english.txt";
  for (const Arguments& arguments :
       {Arguments{"quantize", TinyModel::tied(), folder / "out.gguf", "--type", "F32"},
        {"synth", "--like", "SmolLM2-135M", "--layers", "1", "--vocabulary", "320", folder / "out.gguf"},
        {"perplexity", TinyModel::tied(), "-f", text, "--logits", folder / "out.npy"}}) {
    EXPECT_THAT(expect_error(run(arguments, spawn), 1), HasSubstr("writing " + folder.path()));
    EXPECT_EQ(folder.names().size(), 0) << folder.names()[0];
  }
}

TEST(Files, AKilledQuantizeLeavesTheOldFileOrTheNewOne) {
  const TempFolder folder;
  const std::string in = folder / "in.gguf", out = folder / "out.gguf";
  ASSERT_EQ(
      run({"synth", "--like", "SmolLM2-135M", "--layers", "8", "--vocabulary", "320", "--type", "F16", in})
          .code,
      0);
  const Arguments quantize = {"quantize", in, out, "--type", "Q6_K"};
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(run(quantize).code, 0);
  const auto took = std::chrono::steady_clock::now() - start;
  const std::vector<std::byte> complete = read_bytes(out);
  const std::vector<std::byte> old(1000, std::byte{7});
  std::mt19937 random(1);
  for (int i = 0; i < 12; ++i) {
    if (i % 2 == 0) {
      write_bytes(out, old);
    } else {
      std::filesystem::remove(out);
    }
    {
      Process p(quantize);
      const auto most = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
      usleep(static_cast<useconds_t>(std::uniform_int_distribution<int64_t>(0, most)(random)));
      p.signal(SIGKILL);
      p.finish();
    }
    const bool exists = std::filesystem::exists(out);
    const std::vector<std::byte> left = exists ? read_bytes(out) : std::vector<std::byte>{};
    EXPECT_TRUE(left == complete || (i % 2 == 0 ? left == old : !exists)) << "after kill " << i;
    // Where the file system knows no unnamed files, a partial one may lie beside it, never under the name.
    for (const std::string& name : folder.names())
      EXPECT_TRUE(name == "in.gguf" || name == "out.gguf" || name.find(".partial-") != std::string::npos)
          << name;
  }
  ASSERT_EQ(run(quantize).code, 0);
  EXPECT_TRUE(read_bytes(out) == complete);
}

TEST(Files, AnInterruptedQuantizeLeavesNothing) {
  const TempFolder folder;
  const std::string in = folder / "in.gguf";
  ASSERT_EQ(
      run({"synth", "--like", "SmolLM2-135M", "--layers", "12", "--vocabulary", "320", "--type", "F16", in})
          .code,
      0);
  Process p({"quantize", in, folder / "out.gguf", "--type", "Q6_K"});
  p.wait_for_handler(SIGINT);
  usleep(50'000);
  p.signal(SIGINT);
  const Result r = p.finish();
  if (r.code == 0) GTEST_SKIP() << "it was done before it could be interrupted";
  EXPECT_EQ(r.code, 130) << r.err;
  EXPECT_EQ(folder.names(), std::vector<std::string>{"in.gguf"});
}

}  // namespace
}  // namespace yoke::test
