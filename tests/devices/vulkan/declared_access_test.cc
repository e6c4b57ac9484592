// The declared reads and writes of every op are all it touches: its buffers are the host's own pages,
// imported, and while an op runs alone every page that it did not declare is protected. A stray access ends
// the process.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cmath>
#include <cstring>

#include "devices/reference/reference.h"
#include "devices/vulkan/vulkan.h"
#include "small_model.h"

namespace yoke {
namespace {

using testing::SmallModel;

constexpr uint64_t kPage = 4096;

// Pages of their own, imported as a buffer of the device.
class Pages {
 public:
  Pages(Device& device, uint64_t bytes) : bytes_((bytes + kPage - 1) / kPage * kPage) {
    at_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    buffer_ = device.wrap({static_cast<std::byte*>(at_), bytes_}, BufferUse::kScratch);
  }
  ~Pages() {
    allow(PROT_READ | PROT_WRITE);
    buffer_.reset();
    munmap(at_, bytes_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  Buffer* buffer() { return buffer_.get(); }
  std::byte* data() { return static_cast<std::byte*>(at_); }
  void allow(int protection) { mprotect(at_, bytes_, protection); }

 private:
  uint64_t bytes_;
  void* at_ = nullptr;
  std::unique_ptr<Buffer> buffer_;
};

// Protection of the host's pages stops a driver that computes on this processor, and no other.
bool pages_guard() {
  const std::unique_ptr<Device> device = make_vulkan_device(0);
  return device->info().software && Pages(*device, kPage).buffer() != nullptr;
}

// Runs the ops of a decoder's GPU segments one by one, each with its declared pages alone.
class Guarded {
 public:
  explicit Guarded(DType type)
      : gpu_(make_vulkan_device(0)),
        reference_(make_reference_device()),
        model_({.shape = {.type = type, .up_type = type}}, {{gpu_.get(), 2}}, *reference_),
        program_(model_.program()) {
    for (const ProgramValue& v : program_.values) {
      values_.push_back(std::make_unique<Pages>(*gpu_, v.bytes));
      bindings_.values.push_back({values_.back()->buffer(), 0});
    }
    for (const BoundWeight& from : model_.parts().weights) {
      const uint64_t bytes = layout_bytes(from.type, from.layout, from.rows, from.cols);
      weights_.push_back(std::make_unique<Pages>(*gpu_, bytes));
      std::memcpy(weights_.back()->data(), from.buffer->host(), bytes);
      bindings_.weights.push_back(from);
      bindings_.weights.back().buffer = weights_.back()->buffer();
    }
    for (const BoundCache& from : model_.parts().caches) {
      caches_.push_back(std::make_unique<Pages>(*gpu_, from.buffer->bytes()));
      bindings_.caches.push_back(from);
      bindings_.caches.back().buffer = caches_.back()->buffer();
    }
    step_ = gpu_->make_step_buffer(program_.limits);
    gpu_->write_step(*step_, SmallModel::steps()[0]);
  }

  // hide: a value that is protected although the op reads it, to see that the guard works.
  void run_all(bool hide_an_input = false) {
    for (const Segment& segment : program_.segments) {
      if (segment.device != 0) continue;
      for (const ProgramOp& op : segment.ops) run(op, hide_an_input);
    }
  }
  int ops() const { return ops_; }

 private:
  void run(const ProgramOp& op, bool hide_an_input) {
    Segment alone{.name = "alone", .device = 0, .ops = {op}, .waits = {}};
    const auto compiled = gpu_->compile(program_, alone, bindings_, *step_);
    for (auto* group : {&values_, &weights_, &caches_}) {
      for (const auto& pages : *group) pages->allow(PROT_NONE);
    }
    if (!hide_an_input) {
      for_each_read(op.op, [&](ValueId id) { allow(values_, index(id), PROT_READ); });
    }
    for_each_weight(op.op, [&](WeightId id) { allow(weights_, index(id), PROT_READ); });
    for_each_write(op.op, [&](ValueId id) { allow(values_, index(id), PROT_READ | PROT_WRITE); });
    if (const CacheId id = cache_read(op.op); id != CacheId::kNone) allow(caches_, index(id), PROT_READ);
    if (const CacheId id = cache_written(op.op); id != CacheId::kNone) {
      allow(caches_, index(id), PROT_READ | PROT_WRITE);
    }
    wait(gpu_->launch(Lane::kCompute, *compiled, {}));
    ++ops_;
  }
  static void allow(std::vector<std::unique_ptr<Pages>>& group, int32_t i, int protection) {
    group[static_cast<size_t>(i)]->allow(protection);
  }

  std::unique_ptr<Device> gpu_;
  std::unique_ptr<Device> reference_;
  SmallModel model_;
  Program program_;
  Bindings bindings_;
  std::vector<std::unique_ptr<Pages>> values_;
  std::vector<std::unique_ptr<Pages>> weights_;
  std::vector<std::unique_ptr<Pages>> caches_;
  std::unique_ptr<StepBuffer> step_;
  int ops_ = 0;
};

TEST(VulkanDeclaredAccess, EveryOpTouchesWhatItDeclaresAndNoMore) {
  if (!pages_guard()) GTEST_SKIP() << "this driver does not compute in pages of this process";
  for (const DType type : {DType::kQ4_K, DType::kQ8_0, DType::kF32}) {
    Guarded guarded(type);
    guarded.run_all();
    EXPECT_GT(guarded.ops(), 20);
  }
}

TEST(VulkanDeclaredAccessDeathTest, AnUndeclaredReadEndsTheProcess) {
  if (!pages_guard()) GTEST_SKIP() << "this driver does not compute in pages of this process";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Guarded guarded(DType::kQ8_0);
        guarded.run_all(true);
      },
      "");
}

}  // namespace
}  // namespace yoke
