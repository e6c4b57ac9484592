// The first Vulkan device with the validation layers on; any message of theirs fails the test.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "devices/vulkan/vulkan.h"

namespace yoke {

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
