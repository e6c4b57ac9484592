// Devices that run out of memory, get lost or never answer: one clear error each, and a teardown that ends.
#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "base/error.h"
#include "devices/reference/reference.h"
#include "small_model.h"
#include "validated_device.h"

namespace yoke {
namespace {

using ::testing::HasSubstr;
using testing::SmallModel;

class VulkanFaultsTest : public ValidatedDevice {
 protected:
  Device& open_with_faults(double timeout_s = 0) {
    return open({.wait_timeout_s = timeout_s, .faults = faults_});
  }

  // The error of one step of a small model on the GPU.
  std::string run_error(Executor& executor) {
    try {
      executor.run(SmallModel::steps()[0]);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }

  std::shared_ptr<VulkanFaults> faults_ = std::make_shared<VulkanFaults>();
  std::unique_ptr<Device> reference_ = make_reference_device();
};

TEST_F(VulkanFaultsTest, EveryAllocationMayFailAndNothingIsLeftBehind) {
  Device& gpu = open_with_faults();
  for (int nth = 1; nth < 100; ++nth) {
    faults_->allocation = nth;
    try {
      SmallModel model({}, {{&gpu, 2}}, *reference_);
      model.run({SmallModel::steps()[0]});
      EXPECT_GT(nth, 10) << "weights, caches, scratch, staging and step inputs are allocations";
      EXPECT_GT(faults_->allocation.load(), 0) << "all allocations were reached";
      faults_->allocation = 0;
      return;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kDoesNotFit);
      EXPECT_THAT(e.what(), HasSubstr("out of device memory"));
    }
    EXPECT_EQ(gpu.allocated_bytes(), 0u) << nth;
  }
  FAIL() << "never got through";
}

TEST_F(VulkanFaultsTest, ALostSubmitNamesTheSegment) {
  Device& gpu = open_with_faults();
  SmallModel model({}, {{&gpu, 2}}, *reference_);
  Executor executor = model.executor();
  faults_->submit = 1;
  EXPECT_THAT(run_error(executor), ::testing::AllOf(HasSubstr("segment vulkan0."), HasSubstr("device lost")));
  EXPECT_THAT(run_error(executor), HasSubstr("was lost"));  // and stays so
}

TEST_F(VulkanFaultsTest, ALostWaitNamesTheSegmentAndItsOps) {
  Device& gpu = open_with_faults();
  SmallModel model({}, {{&gpu, 2}}, *reference_);
  Executor executor = model.executor();
  faults_->wait = 1;
  const std::string error = run_error(executor);
  EXPECT_THAT(error, ::testing::AllOf(HasSubstr("waiting for segment vulkan0."), HasSubstr("(ops 0.."),
                                      HasSubstr("device lost")));
  EXPECT_THAT(run_error(executor), HasSubstr("was lost"));
}

TEST_F(VulkanFaultsTest, AWaitWithoutAnEndBecomesALoss) {
  Device& gpu = open_with_faults(0.5);
  SmallModel model({}, {{&gpu, 2}}, *reference_);
  Executor executor = model.executor();
  faults_->stuck_wait = 1;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(run_error(executor), HasSubstr("no end after"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(VulkanFaultsTest, OtherWaitersAreReleased) {
  Device& gpu = open_with_faults(60);
  std::string error;
  std::thread waiter([&] {
    try {
      gpu.wait(Lane::kCopyIn, 1);  // never launched
    } catch (const Error& e) {
      error = e.what();
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  SmallModel model({}, {{&gpu, 2}}, *reference_);
  Executor executor = model.executor();
  faults_->submit = 1;
  run_error(executor);
  waiter.join();
  EXPECT_THAT(error, HasSubstr("was lost"));
}

}  // namespace
}  // namespace yoke
