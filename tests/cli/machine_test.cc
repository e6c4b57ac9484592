// `yoke bench`, `yoke devices`, `yoke selftest` and `yoke inspect`.
#include <gmock/gmock.h>

#include "process.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

using testing::HasSubstr;

TEST(Bench, JsonHasTheFieldsOfTheContract) {
  const Json j = run_json({"bench", TinyModel::untied(), "--prompt", "40", "--gen", "6", "--depth", "10",
                           "--batch", "3", "--repeat", "2", "--chunk", "60"});
  ASSERT_EQ(j["phases"].size(), 2);
  EXPECT_EQ(j["phases"][0]["name"], "prefill");
  EXPECT_EQ(j["phases"][0]["rows"], 60);
  EXPECT_EQ(j["phases"][1]["name"], "decode");
  EXPECT_EQ(j["phases"][1]["rows"], 3);
  for (const Json& p : j["phases"]) {
    EXPECT_EQ(p["depth"], 10);
    EXPECT_EQ(p["batch"], 3);
    ASSERT_EQ(p["tokens_per_s"].size(), 2);
    EXPECT_NEAR(p["median"].get<double>(),
                (p["tokens_per_s"][0].get<double>() + p["tokens_per_s"][1].get<double>()) / 2,
                1e-6 * p["median"].get<double>());
    EXPECT_GT(p["read_bandwidth_gb_per_s"].get<double>(), 0);
    EXPECT_NEAR(p["share"].get<double>(),
                p["weight_gb_per_s"].get<double>() / p["read_bandwidth_gb_per_s"].get<double>(), 1e-9);
    EXPECT_GT(p["product_gop_per_s"].get<double>(), 0);
    EXPECT_NEAR(p["share_of_int8_peak"].get<double>(),
                p["product_gop_per_s"].get<double>() / j["cpu"]["int8_gops"].get<double>(), 1e-9);
  }
  EXPECT_THAT(j["logits_hash"].get<std::string>(), testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(j["placement"]["layers"].size(), 3);
  EXPECT_FALSE(j["cpu"]["model"].get<std::string>().empty());
  EXPECT_FALSE(j["cpu"]["isa"].get<std::string>().empty());
  EXPECT_GT(j["cpu"]["int8_gops"].get<double>(), 0);
}

// Norms, matrices of the blocks and the head, but not the token table, of which a step reads a few rows.
TEST(Bench, CountsTheWeightsThatAStepReads) {
  const Arguments once = {"bench", TinyModel::untied(), "--prompt", "0",        "--gen",
                          "8",     "--batch",           "2",        "--repeat", "1"};
  const Json j = run_json(once);
  ASSERT_EQ(j["phases"].size(), 1);
  const Json& decode = j["phases"][0];
  const double block = 2.0 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 512 * 256) + 4.0 * 2 * 256;
  const double bytes = 3 * block + 2.0 * 320 * 256 + 4.0 * 256;
  EXPECT_NEAR(decode["weight_gb_per_s"].get<double>() * 1e9 / (decode["median"].get<double>() / 2), bytes, 1);
  EXPECT_EQ(j["logits_hash"], run_json(once)["logits_hash"]);
}

// 40 tokens of 3 sequences in two steps: the head runs for three rows in all, the blocks' matrices for 120.
TEST(Bench, CountsTheProductsThatAreComputed) {
  const Json j = run_json({"bench", TinyModel::untied(), "--prompt", "40", "--gen", "6", "--batch", "3",
                           "--repeat", "1", "--chunk", "60"});
  const double block = 2 * 256 * 256 + 2 * 128 * 256 + 3 * 512 * 256;
  const double head = 320 * 256;
  const auto per_token = [&](size_t phase) {
    const Json& p = j["phases"][phase];
    return p["product_gop_per_s"].get<double>() * 1e9 / p["median"].get<double>();
  };
  EXPECT_NEAR(per_token(0), 2 * (3 * block + head * 3 / 120), 1);
  EXPECT_NEAR(per_token(1), 2 * (3 * block + head), 1);
}

TEST(Bench, TellsPrefillBesideThePeakAndDecodeBesideTheBandwidth) {
  const std::string out =
      run({"bench", TinyModel::untied(), "--prompt", "8", "--gen", "2", "--repeat", "1"}).out;
  EXPECT_THAT(out, testing::ContainsRegex("prefill .*GOP/s, [0-9]+ % of the measured int8 peak"));
  EXPECT_THAT(out, testing::ContainsRegex("decode .*weights .*GB/s, [0-9]+ % of the measured"));
}

TEST(Devices, NamesTheCpuAndTheReference) {
  const Json j = run_json({"devices"});
  std::vector<std::string> names;
  for (const Json& d : j["devices"]) {
    names.push_back(d["name"]);
    EXPECT_TRUE(d.contains("error") || d["memory_bytes"].get<uint64_t>() > 0);
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"cpu", "reference"}));
  EXPECT_THAT(run({"devices"}).out, HasSubstr("instruction sets: "));
}

TEST(Selftest, PassesAndSaysWhatPassed) {
  const Json j = run_json({"selftest", "--devices", "reference"});
  EXPECT_EQ(j["passed"], true);
  EXPECT_GT(j["results"].size(), 50);
  for (const char* field : {"device", "op", "format", "kernel", "passed", "cases"})
    EXPECT_TRUE(j["results"][0].contains(field)) << field;
}

TEST(Inspect, ShowsMetadataAndTensors) {
  const Json j = run_json({"inspect", TinyModel::tied()});
  EXPECT_THAT(j.dump(), HasSubstr("blk.2.ffn_down.weight"));
  const Result text = run({"inspect", TinyModel::tied()});
  EXPECT_THAT(text.out, HasSubstr("general.architecture"));
  EXPECT_THAT(text.out, HasSubstr("Q8_0"));
}

TEST(Inspect, ShowsWhatCannotBeRunAndRunSaysWhatCan) {
  const TempFolder folder;
  std::vector<std::byte> bytes = read_bytes(TinyModel::tied());
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string key = "general.architecture";
  const size_t value = text.find(key) + key.size() + 4 + 8;  // behind type and length
  ASSERT_EQ(text.substr(value, 5), "llama");
  bytes[value] = std::byte{'x'};
  write_bytes(folder / "x.gguf", bytes);
  EXPECT_THAT(run({"inspect", folder / "x.gguf"}).out, HasSubstr("\"xlama\""));
  const std::string line = expect_error(run({"run", folder / "x.gguf", "-p", "x"}), 3);
  EXPECT_THAT(line, HasSubstr("\"xlama\" cannot be run (supported: llama, qwen2, qwen3"));
}

}  // namespace
}  // namespace yoke::test
