// Memory is promised: what is planned is allocated, bounds hold, what does not fit is refused with the way
// out.
#include <gtest/gtest.h>

#include "base/error.h"
#include "small_model.h"

namespace yoke {
namespace {

using testing::has_device;
using testing::on;
using testing::score;
using testing::small_model;

TEST(Memory, AModelTwiceAsLargeAsTheGpuRunsWithinItsBound) {
  YOKE_NEED_VULKAN(has_device("vulkan:0"));
  ModelOptions options = on(small_model("F16"), "vulkan:0,cpu", "auto");
  options.context = 96;
  const uint64_t whole = plan_model(on(options.path, "cpu")).plan.devices.back().weights_bytes;
  options.gpu_memory = whole / 2;
  const auto model = Model::load(options);
  const Device& gpu = *model->devices()[0];
  EXPECT_LE(gpu.peak_bytes(), options.gpu_memory);
  EXPECT_GT(gpu.allocated_bytes(BufferUse::kWeights), 0u) << "auto put nothing on the GPU";
  EXPECT_GT(model->plan().gpu_layers.count, 0);
  EXPECT_LT(model->plan().gpu_layers.count, 4);
  options.all_logits = true;
  EXPECT_EQ(score(options).logits, score(on(options.path, "cpu")).logits);
}

TEST(Memory, AnAskedPlacementThatDoesNotFitIsRefusedWithNumbers) {
  YOKE_NEED_VULKAN(has_device("vulkan:0"));
  ModelOptions options = on(small_model("F16"), "vulkan:0,cpu", "all");
  options.gpu_memory = 1 << 20;
  try {
    Model::load(options);
    FAIL() << "it was not refused";
  } catch (const Error& e) {
    EXPECT_EQ(e.exit_code(), 4);
    EXPECT_NE(std::string(e.what()).find("vulkan:0"), std::string::npos) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
  }
}

TEST(Memory, ASoftwareGpuIsNeverChosenByItself) {
  ModelOptions options = on(small_model("Q8_0"), "", "auto");
  const PlannedModel planned = plan_model(options);
  for (const auto& device : planned.devices) EXPECT_FALSE(device->info().software) << device->info().name;
}

}  // namespace
}  // namespace yoke
