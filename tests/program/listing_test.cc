// Golden listings: what `yoke plan` prints for typical placements, compared with files. No GPU is needed.
// YOKE_UPDATE_GOLDENS=1 writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "program/compile.h"
#include "support/small_net.h"

namespace yoke {
namespace {

using testing::SmallNet;

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(YOKE_TESTS_DIR) + "/program/plans/" + name + ".plan";
  if (std::getenv("YOKE_UPDATE_GOLDENS")) std::ofstream(path) << text;
  std::ifstream in(path);
  ASSERT_TRUE(in) << path;
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(in), {})) << name;
}

std::string compiled(const SmallNet& small, std::vector<PlacedDevice> devices, int32_t gpu_layers,
                     bool head_too) {
  const auto host = static_cast<int32_t>(devices.size() - 1);
  PhasePlacement placement{.devices = std::move(devices), .op_device = {}, .weight_device = {}};
  for (const NetOp& op : small.net.ops) {
    const bool in_block = op.layer >= 0;
    const bool on_gpu = in_block ? op.layer < gpu_layers : head_too && !std::holds_alternative<Embed>(op.op);
    placement.op_device.push_back(on_gpu ? 0 : host);
  }
  const StepLimits limits{
      .rows = 32, .wanted = 1, .sequences = 1, .blocks_per_sequence = 4, .rope_pairs = {32}};
  return listing(small.net, compile(small.net, placement, limits));
}

const PlacedDevice kCpu = {"cpu", DeviceKind::kCpu};
const PlacedDevice kGpu = {"vulkan:0", DeviceKind::kVulkan};

TEST(Listing, CpuOnly) {
  expect_golden("cpu", compiled(SmallNet({}), {kCpu}, 0, false));
}
TEST(Listing, HalfOnTheGpu) {
  expect_golden("half", compiled(SmallNet({}), {kGpu, kCpu}, 1, false));
}
TEST(Listing, AllOnTheGpu) {
  expect_golden("all", compiled(SmallNet({}), {kGpu, kCpu}, 2, true));
}
TEST(Listing, MixedTypes) {
  expect_golden("mixed", compiled(SmallNet({.type = DType::kQ8_0, .up_type = DType::kQ4_0, .tied = false}),
                                  {kCpu}, 0, false));
}

}  // namespace
}  // namespace yoke
