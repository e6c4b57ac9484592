// `yoke selftest` with kernels that are broken on purpose: it names them, and nobody uses them afterwards.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "process.h"
#include "support/need_vulkan.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kPatienceS = 600;  // compiling every shader on a busy machine

class BrokenKernels : public testing::Test {
 protected:
  // The program whose `what` is broken, with the test's own cache folder.
  Spawn broken(const std::string& what) const {
    Spawn s = sound();
    s.program = YOKE_BROKEN_PROGRAM;
    s.in_child = [cache = cache_, what] {
      setenv("XDG_CACHE_HOME", cache.c_str(), 1);
      setenv("YOKE_BREAK", what.c_str(), 1);
    };
    return s;
  }
  Spawn sound() const {
    Spawn s;
    s.patience_s = kPatienceS;
    s.in_child = [cache = cache_] { setenv("XDG_CACHE_HOME", cache.c_str(), 1); };
    return s;
  }
  static bool has_gpu(const Spawn& s) { return run_json({"devices"}, s)["devices"][0]["name"] == "vulkan:0"; }
  // "linear q8_0 panel16" of those with that result.
  static std::vector<std::string> pairs(const Json& document, const std::string& result) {
    std::vector<std::string> all;
    for (const Json& r : document["results"]) {
      if (r["result"] == result)
        all.push_back(r["op"].get<std::string>() + " " + r["format"].get<std::string>());
    }
    return all;
  }
  static Json selftest_of(const Spawn& s) { return run_json({"devices"}, s)["devices"][0]["selftest"]; }
  std::string verdict_file() const {
    const TempFolder& f = folder_;
    std::string found;
    for (const std::string& name : f.names()) {
      if (name != "yoke") continue;
      for (const auto& e : std::filesystem::directory_iterator(f / name)) found = e.path();
    }
    return found;
  }

  TempFolder folder_;
  std::string cache_ = folder_.path();
};

TEST_F(BrokenKernels, ABrokenGpuKernelIsNamedAndNotUsedAnyMore) {
  const Spawn spawn = broken("linear_q8_0");
  YOKE_NEED_VULKAN(has_gpu(spawn));
  EXPECT_TRUE(selftest_of(spawn).is_null());

  const Result test = run({"selftest", "--devices", "vulkan:0", "--json"}, spawn);
  EXPECT_EQ(test.code, 5);
  EXPECT_THAT(test.err, HasSubstr("2 kernels differ from the reference"));
  EXPECT_EQ(test.json()["passed"], false);
  EXPECT_THAT(pairs(test.json(), "differs"), ElementsAre("linear q8_0 panel16", "gated_linear q8_0 panel16"));
  EXPECT_EQ(pairs(test.json(), "equal").size(), 83u);
  for (const std::string& pair : pairs(test.json(), "not run")) EXPECT_THAT(pair, HasSubstr("linear "));

  // The next to open it knows.
  const Json known = selftest_of(spawn);
  EXPECT_EQ(known["passed"], 83);
  ASSERT_EQ(known["refused"].size(), 2u);
  EXPECT_EQ(known["refused"][0]["op"], "linear");
  EXPECT_EQ(known["refused"][0]["format"], "q8_0 panel16");
  EXPECT_THAT(run({"devices"}, spawn).out, HasSubstr("2 differ and are not used: linear q8_0 panel16"));

  const Arguments model = {TinyModel::tied(), "--devices", "vulkan:0,cpu"};
  const auto with = [&](const char* command, const Arguments& more) {
    Arguments all = {command};
    all.insert(all.end(), model.begin(), model.end());
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const Json plan = run_json(with("plan", {}), spawn);
  for (const Json& layer : plan["layers"]) EXPECT_EQ(layer, "cpu");
  EXPECT_THAT(plan["notes"].dump(),
              AllOf(HasSubstr("vulkan:0 does without 2 kernels"), HasSubstr("vulkan:0 gets no blocks")));
  const std::string line = expect_error(run(with("plan", {"-ngl", "2"}), spawn), 2);
  EXPECT_THAT(line, AllOf(HasSubstr("vulkan:0 cannot run"), HasSubstr("its self-test found")));

  const Arguments answer = {"-p", "Hello", "-n", "4", "--temp", "0", "-c", "256"};
  const Json got = run_json(with("run", answer), spawn);
  Arguments on_cpu = with("run", answer);
  on_cpu[3] = "cpu";
  EXPECT_EQ(got["logits_hash"], run_json(on_cpu, sound())["logits_hash"]);

  // It is the verdict of those kernels, not of the program as it should be.
  EXPECT_TRUE(selftest_of(sound()).is_null());
}

TEST_F(BrokenKernels, ADamagedVerdictIsAsGoodAsNone) {
  const Spawn spawn = broken("add");
  YOKE_NEED_VULKAN(has_gpu(spawn));
  EXPECT_EQ(run({"selftest", "--devices", "vulkan:0"}, spawn).code, 5);
  EXPECT_EQ(selftest_of(spawn)["refused"].size(), 1u);
  const std::string path = verdict_file();
  const std::vector<std::byte> bytes = read_bytes(path);
  for (size_t keep = 0; keep < bytes.size(); keep += 1 + keep / 3) {
    write_bytes(path, std::span(bytes).first(keep));
    EXPECT_TRUE(selftest_of(spawn).is_null()) << keep << " bytes";
  }
  write_bytes(path, bytes);
  EXPECT_EQ(selftest_of(spawn)["refused"].size(), 1u);
}

TEST_F(BrokenKernels, WithoutAPlaceForTheVerdictItStillTests) {
  const Spawn spawn = broken("add");
  YOKE_NEED_VULKAN(has_gpu(spawn));
  std::ofstream(folder_ / "yoke") << "in the way";
  const Result test = run({"selftest", "--devices", "vulkan:0"}, spawn);
  EXPECT_EQ(test.code, 5);
  EXPECT_THAT(test.out,
              HasSubstr("84 pairs of op and format equal the reference bit for bit, 1 differ, 32 not run"));
  EXPECT_THAT(test.err, HasSubstr("note: the result for vulkan:0 is not kept"));
}

TEST_F(BrokenKernels, ABrokenCpuKernelIsNamedWithWhatStandsIn) {
  const Json devices = run_json({"devices"}, sound());
  const auto cpu = std::ranges::find(devices["devices"], "cpu", [](const Json& d) { return d["name"]; });
  const std::string best = (*cpu)["isas"][0], next = (*cpu)["isas"].back();
  if (best == next) GTEST_SKIP() << "this machine has no set above the portable one";
  const Result test = run({"selftest", "--devices", "cpu", "--isa", best, "--json"}, broken("cpu"));
  EXPECT_EQ(test.code, 5);
  EXPECT_THAT(pairs(test.json(), "differs"),
              ElementsAre("linear q8_0 stored", "linear q8_0 panel16", "gated_linear q8_0 stored",
                          "gated_linear q8_0 panel16"));
  const Json document = test.json();
  for (const Json& r : document["results"]) {
    EXPECT_EQ(r.contains("stand_in"), r["result"] == "differs") << r;
    if (r["result"] == "differs") {
      EXPECT_THAT(r["kernel"].get<std::string>(), testing::StartsWith(best + " "));
      EXPECT_THAT(r["stand_in"].get<std::string>(), testing::Not(testing::StartsWith(best + " ")));
    }
  }
  const Result text = run({"selftest", "--devices", "cpu", "--isa", best}, broken("cpu"));
  EXPECT_THAT(text.out, HasSubstr("4 differ (in their place: "));
}

// What was asked for by name counts; what merely stands in the list is told.
TEST_F(BrokenKernels, ADeviceThatCannotBeOpenedDoesNotStopTheOthers) {
  const Spawn spawn = broken("canary");  // the check of the driver fails
  YOKE_NEED_VULKAN(run_json({"devices"}, spawn)["devices"][0]["name"] == "vulkan:0");
  const Result named = run({"selftest", "--devices", "vulkan:0,reference", "--json"}, spawn);
  EXPECT_EQ(named.code, 5);
  EXPECT_EQ(named.json()["passed"], false);
  ASSERT_EQ(named.json()["not_tested"].size(), 1u);
  EXPECT_EQ(named.json()["not_tested"][0]["device"], "vulkan:0");
  EXPECT_EQ(pairs(named.json(), "equal").size(), 117u);
  const Result all = run({"selftest"}, spawn);
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_THAT(all.out, AllOf(HasSubstr("vulkan:0                cannot be tested: "), HasSubstr("cpu ")));
}

}  // namespace
}  // namespace yoke::test
