// Listing, memory and accounting, and what happens where there is no driver.
#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <numeric>

#include "base/error.h"
#include "validated_device.h"

namespace yoke {
namespace {

class VulkanMemory : public ValidatedDevice {};

std::vector<std::byte> pattern(size_t bytes) {
  std::vector<std::byte> p(bytes);
  for (size_t i = 0; i < bytes; ++i) p[i] = static_cast<std::byte>((i * 2654435761u) >> 13);
  return p;
}

template <class F>
Error error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorKind::kRuntime, "");
}

TEST(VulkanListing, TellsWhatTheDeviceIs) {
  const std::vector<DeviceInfo> devices = list_vulkan_devices();
  ASSERT_FALSE(devices.empty());
  EXPECT_EQ(devices[0].name, "vulkan:0");
  EXPECT_EQ(devices[0].kind, DeviceKind::kVulkan);
  EXPECT_FALSE(devices[0].description.empty());
  EXPECT_GT(devices[0].memory_bytes, 0u);
  EXPECT_GT(devices[0].max_buffer_bytes, 0u);
  EXPECT_LE(devices[0].max_buffer_bytes, uint64_t{4} << 30);
  if (devices[0].description.find("llvmpipe") != std::string::npos) {
    EXPECT_TRUE(devices[0].software);
    EXPECT_TRUE(devices[0].shares_memory);
  }
}

TEST(VulkanListing, AMachineWithoutADriverHasNoDevices) {
  // The loader reads these at each new instance.
  const std::string driver_files = getenv("VK_DRIVER_FILES") ? getenv("VK_DRIVER_FILES") : "";
  const std::string icd_files = getenv("VK_ICD_FILENAMES") ? getenv("VK_ICD_FILENAMES") : "";
  setenv("VK_DRIVER_FILES", "/nonexistent.json", 1);
  setenv("VK_ICD_FILENAMES", "/nonexistent.json", 1);
  EXPECT_TRUE(list_vulkan_devices().empty());
  const Error error = error_of([] { make_vulkan_device(0); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  driver_files.empty() ? unsetenv("VK_DRIVER_FILES") : setenv("VK_DRIVER_FILES", driver_files.c_str(), 1);
  icd_files.empty() ? unsetenv("VK_ICD_FILENAMES") : setenv("VK_ICD_FILENAMES", icd_files.c_str(), 1);
}

TEST(VulkanListing, AnIndexThatIsNotThereIsAClearError) {
  const Error error = error_of([] { make_vulkan_device(99); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("vulkan:99"));
}

TEST_F(VulkanMemory, IsZeroedAlignedAndCounted) {
  for (const bool staging : {false, true}) {
    Device& gpu = open({.force_staging = staging});
    for (const BufferUse use :
         {BufferUse::kWeights, BufferUse::kCache, BufferUse::kScratch, BufferUse::kStaging}) {
      const auto buffer = gpu.allocate(100'000, use);
      EXPECT_EQ(gpu.allocated_bytes(use), 100'000u);
      EXPECT_EQ(buffer->address() % 256, 0u);
      EXPECT_EQ(buffer->use(), use);
      if (use == BufferUse::kStaging) {
        EXPECT_NE(buffer->host(), nullptr);
      }
      std::vector<std::byte> got(100'000, std::byte{1});
      gpu.read(*buffer, 0, got);
      EXPECT_EQ(got, std::vector<std::byte>(100'000));
    }
    EXPECT_EQ(gpu.allocated_bytes(), 0u);
    EXPECT_EQ(gpu.peak_bytes(), 100'000u);
  }
}

TEST_F(VulkanMemory, WritesAndReadsAtAnyOffset) {
  for (const bool staging : {false, true}) {
    Device& gpu = open({.force_staging = staging});
    constexpr size_t kBytes = (9 << 20) + 13;  // more than two staging buffers
    const auto buffer = gpu.allocate(kBytes + 100, BufferUse::kWeights);
    EXPECT_EQ(buffer->host() == nullptr, staging || !gpu.info().shares_memory);
    const auto sent = pattern(kBytes);
    gpu.write(*buffer, 7, sent);
    std::vector<std::byte> got(kBytes);
    gpu.read(*buffer, 7, got);
    EXPECT_EQ(got, sent);
    std::vector<std::byte> before(7, std::byte{9});
    gpu.read(*buffer, 0, before);
    EXPECT_EQ(before, std::vector<std::byte>(7));
    EXPECT_THROW(gpu.write(*buffer, 101, sent), Error);
    EXPECT_THROW(gpu.read(*buffer, kBytes + 101, got), Error);
  }
}

TEST_F(VulkanMemory, TheBoundIsKept) {
  Device& gpu = open();
  gpu.set_memory_bound(1 << 20);
  const auto half = gpu.allocate(1 << 19, BufferUse::kWeights);
  const Error error = error_of([&] { gpu.allocate((1 << 19) + 1, BufferUse::kCache); });
  EXPECT_EQ(error.kind(), ErrorKind::kDoesNotFit);
  EXPECT_THAT(error.what(), ::testing::HasSubstr("1048576"));
  const auto other = gpu.allocate(1 << 19, BufferUse::kCache);
  EXPECT_EQ(gpu.peak_bytes(), uint64_t{1} << 20);
}

TEST_F(VulkanMemory, ABufferAboveTheDevicesLargestIsRefusedWithTheNumbers) {
  Device& gpu = open();
  const uint64_t largest = gpu.info().max_buffer_bytes;
  const Error error = error_of([&] { gpu.allocate(largest + 1, BufferUse::kWeights); });
  EXPECT_EQ(error.kind(), ErrorKind::kDoesNotFit);
  EXPECT_THAT(error.what(), ::testing::HasSubstr(std::to_string(largest)));
  EXPECT_EQ(gpu.allocated_bytes(), 0u);
}

TEST_F(VulkanMemory, HostMemoryIsWrappedWithoutACopy) {
  Device& gpu = open();
  constexpr size_t kBytes = 1 << 16;
  void* pages = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  const std::span memory(static_cast<std::byte*>(pages), kBytes);
  {
    const auto buffer = gpu.wrap(memory, BufferUse::kWeights);
    ASSERT_NE(buffer, nullptr) << "lavapipe imports host memory";
    EXPECT_EQ(buffer->host(), memory.data());
    EXPECT_EQ(gpu.allocated_bytes(BufferUse::kWeights), kBytes);
    EXPECT_EQ(gpu.wrap(memory.subspan(1), BufferUse::kWeights), nullptr) << "not aligned";
  }
  EXPECT_EQ(gpu.allocated_bytes(), 0u);
  EXPECT_EQ(open({.force_staging = true}).wrap(memory, BufferUse::kWeights), nullptr);
  munmap(pages, kBytes);
}

}  // namespace
}  // namespace yoke
