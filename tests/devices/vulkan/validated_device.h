// The first Vulkan device with the validation layers on; any message of theirs fails the test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "devices/conformance/conformance.h"
#include "devices/vulkan/vulkan.h"

namespace yoke {

// Passed, and nothing was left out but products of stored rows: those want panels.
inline void expect_passed(const std::vector<ConformanceResult>& results) {
  EXPECT_FALSE(results.empty());
  for (const ConformanceResult& r : results) {
    EXPECT_TRUE(r.passed) << r.op << " " << r.format << " (" << r.kernel << "): " << r.message;
    EXPECT_TRUE(r.bitwise) << r.op << " " << r.format;
    const bool stored = r.op.ends_with("linear") && r.format.ends_with(" stored");
    EXPECT_EQ(r.skipped(), stored) << r.op << " " << r.format << ": " << r.skip_reason;
    if (!stored) {
      EXPECT_EQ(r.skipped_cases, 0) << r.op << " " << r.format << ": " << r.skip_reason;
    }
  }
}

class ValidatedDevice : public ::testing::Test {
 protected:
  Device& open(VulkanOptions options = {}) {
    options.validation = true;
    options.on_message = [this](const std::string& message) {
      const std::lock_guard lock(mutex_);
      messages_.push_back(message);
    };
    devices_.push_back(make_vulkan_device(0, options));
    return *devices_.back();
  }

  void TearDown() override {
    devices_.clear();
    for (const std::string& message : messages_) ADD_FAILURE() << "validation: " << message;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> messages_;
  std::vector<std::unique_ptr<Device>> devices_;
};

}  // namespace yoke
