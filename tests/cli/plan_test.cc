// `yoke plan` on described machines, and placements on this one where it has a Vulkan device.
#include <gmock/gmock.h>

#include <fstream>

#include "process.h"
#include "support/need_vulkan.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

using testing::HasSubstr;

class Plan : public testing::Test {
 protected:
  std::string machine(const std::string& text) const {
    std::ofstream(folder_ / "machine.json") << text;
    return folder_ / "machine.json";
  }
  std::string two_gpus() const {
    return machine(R"({"devices": [{"name": "vulkan:0", "memory_bytes": 8000000000, "bandwidth_gb_s": 500},
                                   {"name": "vulkan:1", "memory_bytes": 8000000000, "bandwidth_gb_s": 500},
                                   {"name": "cpu", "memory_bytes": 64000000000, "bandwidth_gb_s": 50}],
                       "links": [{"from": "vulkan:0", "to": "cpu", "bandwidth_gb_s": 20, "latency_us": 20}]})");
  }
  Json planned(const std::string& machine_path, const Arguments& more) const {
    Arguments all = {"plan", TinyModel::tied(), "--machine", machine_path};
    all.insert(all.end(), more.begin(), more.end());
    return run_json(all);
  }

  TempFolder folder_;
};

TEST_F(Plan, JsonHasTheFieldsOfTheContract) {
  const Json j = planned(two_gpus(), {"-ngl", "2", "-c", "1024"});
  EXPECT_EQ(j["layers"], Json({"vulkan:0", "vulkan:1", "cpu"}));
  EXPECT_EQ(j["head"], "cpu");
  EXPECT_EQ(j["bitwise"], true);
  EXPECT_EQ(j["handoffs_per_step"], 4);  // in and out of each GPU's range
  ASSERT_EQ(j["devices"].size(), 3);
  for (const Json& d : j["devices"]) {
    EXPECT_EQ(d["total_bytes"].get<int64_t>(),
              d["weights_bytes"].get<int64_t>() + d["cache_bytes"].get<int64_t>() +
                  d["scratch_bytes"].get<int64_t>() + d["staging_bytes"].get<int64_t>());
    EXPECT_FALSE(d.contains("allocated_bytes"));
    EXPECT_EQ(d["cache_bytes"], 2 * 2 * 64 * 2 * 1024);  // K and V, f16, of one layer
  }
}

TEST_F(Plan, GpuLayersAsTheContractSays) {
  const std::string m = two_gpus();
  EXPECT_EQ(planned(m, {"-ngl", "0"})["layers"], Json({"cpu", "cpu", "cpu"}));
  EXPECT_EQ(planned(m, {"-ngl", "3"})["head"], "cpu");
  EXPECT_EQ(planned(m, {"-ngl", "all"})["head"], "vulkan:1");
  EXPECT_EQ(planned(m, {"-ngl", "99"}), planned(m, {"--gpu-layers", "all"}));
  EXPECT_EQ(planned(m, {"--devices", "vulkan:1,cpu", "-ngl", "2"})["layers"],
            Json({"vulkan:1", "vulkan:1", "cpu"}));
  EXPECT_EQ(planned(m, {})["head"], "vulkan:0");  // auto: all that fits
}

TEST_F(Plan, PlaceRulesComeFirst) {
  const Json j = planned(
      two_gpus(), {"--gpu-layers", "all", "--place", "blk\\.1\\.ffn_=cpu", "--place", "blk\\.=vulkan:0"});
  EXPECT_EQ(j["layers"], Json::parse(R"(["vulkan:0", ["vulkan:0", "cpu"], "vulkan:0"])"));
  EXPECT_EQ(j["handoffs_per_step"], 5);
}

TEST_F(Plan, AutoLeavesSoftwareGpusOut) {
  const std::string m = machine(R"({"devices": [
      {"name": "vulkan:0", "memory_bytes": 8000000000, "bandwidth_gb_s": 50, "software": true},
      {"name": "cpu", "memory_bytes": 64000000000, "bandwidth_gb_s": 50}]})");
  EXPECT_EQ(planned(m, {})["devices"].size(), 1);
  EXPECT_EQ(planned(m, {"--devices", "vulkan:0,cpu", "-ngl", "1"})["layers"],
            Json({"vulkan:0", "cpu", "cpu"}));
}

TEST_F(Plan, TheBoundOfGpuMemoryHolds) {
  const std::string m = two_gpus();
  const Json all = planned(m, {"--devices", "vulkan:0,cpu", "-ngl", "all"});
  const auto total = all["devices"][0]["total_bytes"].get<int64_t>();
  const Json bounded = planned(m, {"--devices", "vulkan:0,cpu", "--gpu-memory", std::to_string(total - 1)});
  EXPECT_LT(bounded["devices"][0]["total_bytes"], total);
  EXPECT_EQ(bounded["layers"][2], "vulkan:0");
  EXPECT_EQ(bounded["head"], "cpu");
  expect_error(run({"plan", TinyModel::tied(), "--machine", m, "--devices", "vulkan:0,cpu", "-ngl", "all",
                    "--gpu-memory", std::to_string(total - 1)}),
               4);
}

TEST_F(Plan, ContextZeroIsTheLargestUpToTheTrainedOne) {
  EXPECT_EQ(planned(two_gpus(), {"-c", "0"})["context"], 8192);
  EXPECT_EQ(planned(two_gpus(), {})["context"], 4096);
  const std::string small =
      machine(R"({"devices": [{"name": "cpu", "memory_bytes": 9000000, "bandwidth_gb_s": 9}]})");
  const Json j = planned(small, {"-c", "0"});
  EXPECT_LT(j["context"], 8192);
  EXPECT_LE(j["devices"][0]["total_bytes"], 9000000);
  // A model trained for less is not stretched by default.
  make_model(folder_ / "short.gguf", "SmolLM2-135M", {"--context", "512"});
  EXPECT_EQ(run_json({"plan", folder_ / "short.gguf"})["context"], 512);
}

TEST_F(Plan, TextListsBlocksDevicesHandOffsAndOps) {
  const Result r = run({"plan", TinyModel::tied(), "--machine", two_gpus(), "-ngl", "2"});
  EXPECT_EQ(r.code, 0);
  for (const char* said :
       {"block 0 on vulkan:0", "block 2 on cpu", "head on cpu", "4 hand-offs a step", "bitwise: yes",
        "predicted decode", "attention", "blk.2.ffn_down.weight (Q8_0 panel16)"})
    EXPECT_THAT(r.out, HasSubstr(said));
  EXPECT_EQ(run({"plan", TinyModel::tied(), "--machine", two_gpus(), "--no-ops"}).out.find("attention"),
            std::string::npos);
}

TEST_F(Plan, NamesTheKernelsOfThisMachine) {
  const Json j = run_json({"plan", TinyModel::tied(), "--devices", "cpu", "--isa", "portable"});
  EXPECT_EQ(j["kernels"]["cpu"]["portable panel16 Q8_0"], 3 * 6 + 1);  // gate and up are one op
  const Result text = run({"plan", TinyModel::tied(), "--devices", "cpu", "--isa", "portable"});
  EXPECT_THAT(text.out, HasSubstr("portable panel16 Q8_0\n"));
}

// What the plan promises is what a run allocates, and where a block lies does not show in the answer.
TEST_F(Plan, PlacementsOnAVulkanDeviceKeepTheirPromise) {
  const Json devices = run_json({"devices"});
  YOKE_NEED_VULKAN(devices["devices"][0]["name"] == "vulkan:0");
  const auto answer = [](const Arguments& more) {
    Arguments all = {"run", TinyModel::tied(), "-p", "Hello", "-n", "4", "--temp", "0", "-c", "256"};
    all.insert(all.end(), more.begin(), more.end());
    return run_json(all);
  };
  const Json cpu = answer({"--devices", "cpu"});
  for (const Arguments& more : {Arguments{"--devices", "vulkan:0,cpu", "-ngl", "1"},
                                {"--devices", "vulkan:0,vulkan:0,cpu", "-ngl", "2"},
                                {"--devices", "vulkan:0,cpu", "-ngl", "all"},
                                {"--devices", "vulkan:0,cpu", "-ngl", "0", "--place", "ffn_=vulkan:0"}}) {
    SCOPED_TRACE(testing::PrintToString(more));
    const Json j = answer(more);
    EXPECT_NE(j["placement"]["layers"], cpu["placement"]["layers"]);
    EXPECT_EQ(j["placement"]["bitwise"], true);
    EXPECT_EQ(j["logits_hash"], cpu["logits_hash"]);
    EXPECT_EQ(j["tokens"], cpu["tokens"]);
    for (const Json& d : j["placement"]["devices"])
      EXPECT_EQ(d["allocated_bytes"], d["total_bytes"]) << d["name"];
    Arguments plan = {"plan", TinyModel::tied(), "-c", "256"};
    plan.insert(plan.end(), more.begin(), more.end());
    const Json promised = run_json(plan);
    EXPECT_EQ(promised["layers"], j["placement"]["layers"]);
    for (size_t d = 0; d < promised["devices"].size(); ++d)
      EXPECT_EQ(promised["devices"][d]["total_bytes"], j["placement"]["devices"][d]["total_bytes"]);
    EXPECT_TRUE(promised["kernels"].contains("vulkan:0"));
  }
}

}  // namespace
}  // namespace yoke::test
