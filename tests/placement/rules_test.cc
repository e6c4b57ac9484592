#include "placement/rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "support/small_net.h"

namespace yoke {
namespace {

Machine gpu_and_cpu() {
  Machine machine;
  machine.devices = {{.name = "vulkan:0", .kind = DeviceKind::kVulkan},
                     {.name = "cpu", .kind = DeviceKind::kCpu}};
  return machine;
}

int32_t of(const Net& net, const std::vector<int32_t>& devices, const std::string& weight) {
  for (size_t i = 0; i < net.weights.size(); ++i) {
    if (net.weights[i].name == weight) return devices[i];
  }
  return -99;
}

std::string usage_error(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(GpuLayers, ReadsNumbersAllAndAuto) {
  EXPECT_EQ(parse_gpu_layers("auto").kind, GpuLayers::Kind::kAuto);
  EXPECT_EQ(parse_gpu_layers("all").kind, GpuLayers::Kind::kAll);
  EXPECT_EQ(parse_gpu_layers("0").count, 0);
  EXPECT_EQ(parse_gpu_layers("29").count, 29);
  EXPECT_EQ(parse_gpu_layers("99999999999").kind, GpuLayers::Kind::kAll);
  for (const char* wrong : {"", "-1", "3x", "x", " 3", "1.5", "-99999999999", "ALL"}) {
    usage_error([&] { parse_gpu_layers(wrong); });
  }
  EXPECT_EQ(to_text(parse_gpu_layers("7")), "7");
  EXPECT_EQ(to_text(parse_gpu_layers("all")), "all");
}

TEST(Rules, TheFirstMatchWinsAndTheRegexIsSearched) {
  const Net net = testing::SmallNet({}).net;
  const std::vector<std::string> rules = {"ffn_up=cpu", "blk\\.0\\.=vulkan:0", "attn_(k|v)\\.weight$=cpu"};
  const auto devices = apply_rules(rules, net, gpu_and_cpu());
  EXPECT_EQ(of(net, devices, "blk.0.ffn_up.weight"), 1);
  EXPECT_EQ(of(net, devices, "blk.0.ffn_gate.weight"), 0);
  EXPECT_EQ(of(net, devices, "blk.0.attn_k.weight"), 0);
  EXPECT_EQ(of(net, devices, "blk.1.attn_k.weight"), 1);
  EXPECT_EQ(of(net, devices, "blk.1.attn_q.weight"), -1);
  EXPECT_EQ(of(net, devices, "blk.0.attn_norm.weight"), 0);
}

TEST(Rules, TheRegexEndsAtTheLastEqualsSign) {
  const Net net = testing::SmallNet({}).net;
  const std::vector<std::string> rules = {"attn_q(?=\\.weight)=vulkan:0"};  // a lookahead holds an '='
  EXPECT_EQ(of(net, apply_rules(rules, net, gpu_and_cpu()), "blk.1.attn_q.weight"), 0);
}

TEST(Rules, ErrorsSayWhatIsWrong) {
  const Net net = testing::SmallNet({.tied = false}).net;
  const auto error = [&](const std::string& rule) {
    return usage_error([&] { apply_rules(std::vector<std::string>{rule}, net, gpu_and_cpu()); });
  };
  EXPECT_NE(error("blk").find("REGEX=DEVICE"), std::string::npos);
  error("=cpu");
  error("blk=");
  EXPECT_NE(error("blk.(0=cpu").find("position 6"), std::string::npos);
  EXPECT_NE(error("blk=vulkan:1").find("in use: vulkan:0, cpu"), std::string::npos);
  EXPECT_NE(error("blk\\.7=cpu").find("matches no tensor"), std::string::npos);
  error("token_embd=vulkan:0");  // only looked up: it stays with the CPU
  error("(a+)+$b=cpu");          // must end, whatever it says
}

TEST(Rules, ATiedTokenTableIsAMatrixThatCanBeMoved) {
  const Net net = testing::SmallNet({.tied = true}).net;
  const auto devices = apply_rules(std::vector<std::string>{"token_embd=vulkan:0"}, net, gpu_and_cpu());
  EXPECT_EQ(of(net, devices, "token_embd.weight"), 0);
}

}  // namespace
}  // namespace yoke
