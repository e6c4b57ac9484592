// The self-test's verdict on a disk that may hold anything.
#include "engine/verdict.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "support/temp_folder.h"

namespace yoke {
namespace {

const std::string kId = "a GPU\nwith \"odd\" \x01 names, driver 7";

class VerdictTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* before = std::getenv("XDG_CACHE_HOME");
    if (before != nullptr) before_ = before;
    setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  }
  void TearDown() override {
    before_.empty() ? unsetenv("XDG_CACHE_HOME") : setenv("XDG_CACHE_HOME", before_.c_str(), 1);
  }
  std::string file() const {
    for (const auto& e : std::filesystem::directory_iterator(folder_ / "yoke")) return e.path();
    return "";
  }

  test::TempFolder folder_;
  std::string before_;
};

Verdict verdict(bool thorough, std::vector<OpFormat> refused) {
  return {.thorough = thorough, .passed = {{"add", "f32"}, {"linear", "q8_0 panel16"}}, .refused = refused};
}

TEST_F(VerdictTest, ComesBackForTheSameKernelsAndNoOthers) {
  EXPECT_FALSE(load_verdict(kId));
  EXPECT_FALSE(save_verdict(kId, verdict(false, {{"attention", "f16"}})));
  const auto got = load_verdict(kId);
  ASSERT_TRUE(got);
  EXPECT_FALSE(got->thorough);
  EXPECT_EQ(got->passed, (std::vector<OpFormat>{{"add", "f32"}, {"linear", "q8_0 panel16"}}));
  EXPECT_EQ(got->refused, (std::vector<OpFormat>{{"attention", "f16"}}));
  EXPECT_FALSE(load_verdict(kId + "."));
  // Another's verdict under this one's name is not believed.
  const std::string own = file();
  EXPECT_FALSE(save_verdict(kId + ".", verdict(false, {})));
  for (const auto& e : std::filesystem::directory_iterator(folder_ / "yoke")) {
    if (e.path() != own) std::filesystem::rename(e.path(), own);
  }
  EXPECT_FALSE(load_verdict(kId));
}

TEST_F(VerdictTest, ADriverThatHealsIsBelievedAgain) {
  save_verdict(kId, verdict(false, {{"linear", "q8_0 panel16"}}));
  save_verdict(kId, verdict(false, {}));
  EXPECT_TRUE(load_verdict(kId)->refused.empty());
}

TEST_F(VerdictTest, AQuickTestDoesNotOverruleAThoroughOne) {
  save_verdict(kId, verdict(true, {{"linear", "q8_0 panel16"}}));
  save_verdict(kId, verdict(false, {{"attention", "f16"}}));
  const auto got = load_verdict(kId);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->thorough);
  EXPECT_EQ(got->refused, (std::vector<OpFormat>{{"attention", "f16"}, {"linear", "q8_0 panel16"}}));
  EXPECT_EQ(got->passed, (std::vector<OpFormat>{{"add", "f32"}}));
  save_verdict(kId, verdict(true, {}));
  EXPECT_TRUE(load_verdict(kId)->refused.empty());
}

TEST_F(VerdictTest, AnyChangedByteIsSeen) {
  save_verdict(kId, verdict(false, {{"attention", "f16"}}));
  const std::string path = file();
  const std::vector<std::byte> good = test::read_bytes(path);
  std::mt19937 random(3);
  for (size_t i = 0; i < good.size(); ++i) {
    std::vector<std::byte> bad = good;
    bad[i] ^= std::byte{static_cast<unsigned char>(1 + random() % 255)};
    test::write_bytes(path, bad);
    EXPECT_FALSE(load_verdict(kId)) << "byte " << i;
    test::write_bytes(path, std::span(good).first(i));
    EXPECT_FALSE(load_verdict(kId)) << i << " bytes";
  }
  std::vector<std::byte> huge(100 << 20);
  test::write_bytes(path, huge);
  EXPECT_FALSE(load_verdict(kId));
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_FALSE(load_verdict(kId));
  EXPECT_TRUE(save_verdict(kId, verdict(false, {}))) << "a folder is in the way";
}

TEST_F(VerdictTest, WithoutAFolderItIsOnlyNotKept) {
  test::write_bytes(folder_ / "file", {});
  for (const std::string& cache : {folder_ / "file", std::string("/proc/none")}) {
    setenv("XDG_CACHE_HOME", cache.c_str(), 1);
    const auto why = save_verdict(kId, verdict(false, {}));
    ASSERT_TRUE(why) << cache;
    EXPECT_NE(*why, "");
    EXPECT_FALSE(load_verdict(kId));
  }
}

}  // namespace
}  // namespace yoke
