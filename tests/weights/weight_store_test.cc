#include "weights/weight_store.h"

#include <gtest/gtest.h>

#include <cstring>
#include <mutex>
#include <random>

#include "base/error.h"
#include "support/fake_device.h"
#include "tensor/half.h"

namespace yoke {
namespace {

using test::FakeDevice;

// A file of random bytes with weights in it, as a mapping would hold them.
struct Model {
  Net net;
  std::vector<std::vector<std::byte>> bytes;

  WeightId add(DType type, int64_t rows, int64_t cols, bool vector = false) {
    std::mt19937 random(static_cast<unsigned>(bytes.size()) + 1);
    std::vector<std::byte> b(stored_bytes(type, rows, cols));
    for (auto& x : b) x = static_cast<std::byte>(random() & 0x3F);  // no NaN in any format's scales
    bytes.push_back(std::move(b));
    net.weights.push_back({"w" + std::to_string(bytes.size()), type, rows, cols, vector, false});
    return static_cast<WeightId>(bytes.size() - 1);
  }
  WeightHomes homes() const {
    WeightHomes h;
    for (size_t i = 0; i < bytes.size(); ++i) {
      const NetWeight& w = net.weights[i];
      h.weights.push_back({bytes[i], w.type, w.rows, w.cols, w.vector});
    }
    return h;
  }
  // Each weight on that device in that layout.
  Program program(std::vector<ProgramWeight> weights) const {
    Program p;
    for (ProgramWeight& w : weights) {
      const NetWeight& n = net.weights[static_cast<size_t>(index(w.source))];
      w.bytes = n.vector ? static_cast<uint64_t>(n.cols) * 4 : layout_bytes(n.type, w.layout, n.rows, n.cols);
    }
    p.weights = std::move(weights);
    return p;
  }
};

std::vector<std::byte> contents(Device& device, const BoundWeight& where, uint64_t bytes) {
  std::vector<std::byte> out(bytes);
  device.read(*where.buffer, where.offset, out);
  return out;
}

std::vector<std::byte> stored_of(const WeightHome& home, Layout layout, std::span<const std::byte> bytes) {
  if (layout == Layout::kStored) return {bytes.begin(), bytes.end()};
  std::vector<std::byte> stored(stored_bytes(home.type, home.rows, home.cols));
  const uint64_t row = stored_bytes(home.type, 1, home.cols);
  for (int64_t r = 0; r < home.rows; ++r) {
    unpack_row(home.type, home.cols, bytes.data(), r, stored.data() + static_cast<uint64_t>(r) * row);
  }
  return stored;
}

class WeightStoreTest : public ::testing::Test {
 protected:
  static std::vector<WeightDevice> kinds() { return {{DeviceKind::kVulkan, 0}, {DeviceKind::kCpu, 0}}; }

  WeightStore make_store() { return WeightStore(model.homes(), {&gpu, &cpu}); }
  void expect_same(WeightStore& store, WeightId id, WeightPlace place) {
    const auto where = store.at(id, store.whole_of(id), place);
    ASSERT_TRUE(where);
    const WeightHome home = model.homes().weights[static_cast<size_t>(index(id))];
    Device& device = place.device == 0 ? static_cast<Device&>(gpu) : cpu;
    const auto bytes = contents(device, *where, range_bytes(home, whole(home), place.layout));
    EXPECT_EQ(stored_of(home, place.layout, bytes), model.bytes[static_cast<size_t>(index(id))]);
    EXPECT_EQ(where->rows, home.rows);
    EXPECT_EQ(where->cols, home.cols);
    EXPECT_EQ(where->type, home.type);
    EXPECT_EQ(where->offset % 256, 0u);
  }

  Model model;
  FakeDevice gpu{FakeDevice::gpu()};
  FakeDevice cpu{FakeDevice::cpu()};
};

TEST_F(WeightStoreTest, AllocatedBytesAreThePlannedBytesAndContentsAreTheFilesOwn) {
  std::vector<ProgramWeight> placed;
  for (const DType type : {DType::kF32, DType::kF16, DType::kQ8_0, DType::kQ4_0, DType::kQ4_1, DType::kQ4_K,
                           DType::kQ6_K, DType::kMXFP4}) {
    const WeightId a = model.add(type, 40, 512);  // 40: the last panel is padded
    const WeightId b = model.add(type, 33, 256);
    placed.push_back({a, 0, Layout::kPanel16, 0});
    placed.push_back({a, 1, Layout::kPanel16, 0});
    placed.push_back({b, 0, Layout::kStored, 0});
    placed.push_back({b, 1, Layout::kStored, 0});
  }
  const Program program = model.program(placed);
  const Program* programs[] = {&program, &program};
  for (const int threads : {1, 3}) {
    const WeightPlan plan = plan_weights(model.net, programs, kinds());
    WeightStore store = make_store();
    store.load(plan, {threads, {}});
    for (const int32_t d : {0, 1}) {
      Device& device = d == 0 ? static_cast<Device&>(gpu) : cpu;
      EXPECT_EQ(device.allocated_bytes(), plan.devices[static_cast<size_t>(d)].bytes());
      EXPECT_EQ(store.bytes(d), device.allocated_bytes());
    }
    const auto bound = store.bind(program);
    ASSERT_EQ(bound.size(), placed.size());
    for (size_t i = 0; i < placed.size(); ++i) {
      EXPECT_EQ(bound[i].layout, placed[i].layout);
      expect_same(store, placed[i].source, {placed[i].device, placed[i].layout});
    }
  }
  EXPECT_EQ(gpu.allocated_bytes(), 0u);
  EXPECT_EQ(cpu.allocated_bytes(), 0u);
}

TEST_F(WeightStoreTest, StoredOnTheCpuIsTheMappingItself) {
  const WeightId w = model.add(DType::kQ8_0, 20, 64);
  const Program program = model.program({{w, 1, Layout::kStored, 0}});
  const Program* programs[] = {&program};
  WeightStore store = make_store();
  store.load(plan_weights(model.net, programs, kinds()), {});
  EXPECT_EQ(store.bind(program)[0].buffer->host(), model.bytes[0].data());
  EXPECT_EQ(cpu.allocations, 0);
}

TEST_F(WeightStoreTest, ADeviceThatCannotWrapGetsACopyOfTheSameSize) {
  cpu.can_wrap = false;
  const WeightId w = model.add(DType::kQ8_0, 20, 64);
  const Program program = model.program({{w, 1, Layout::kStored, 0}});
  const Program* programs[] = {&program};
  const WeightPlan plan = plan_weights(model.net, programs, kinds());
  WeightStore store = make_store();
  store.load(plan, {});
  expect_same(store, w, {1, Layout::kStored});
  EXPECT_EQ(cpu.allocated_bytes(), plan.devices[1].bytes());
}

TEST_F(WeightStoreTest, VectorsBecomeFloats) {
  const WeightId f16 = model.add(DType::kF16, 1, 96, true);
  const WeightId bf16 = model.add(DType::kBF16, 1, 40, true);
  const Program program = model.program(
      {{f16, 0, Layout::kStored, 0}, {f16, 1, Layout::kStored, 0}, {bf16, 1, Layout::kStored, 0}});
  const Program* programs[] = {&program};
  const WeightPlan plan = plan_weights(model.net, programs, kinds());
  EXPECT_EQ(plan.devices[0].bytes(), 512u);  // 96 floats in steps of 256 bytes
  EXPECT_EQ(plan.devices[1].bytes(), 512u + 256u);
  WeightStore store = make_store();
  store.load(plan, {});
  const auto bound = store.bind(program);
  const auto check = [&](Device& device, const BoundWeight& where, WeightId id, auto convert) {
    EXPECT_EQ(where.type, DType::kF32);
    const auto bytes = contents(device, where, static_cast<uint64_t>(where.cols) * 4);
    for (int64_t i = 0; i < where.cols; ++i) {
      float got;
      std::memcpy(&got, bytes.data() + i * 4, 4);
      uint16_t half;
      std::memcpy(&half, model.bytes[static_cast<size_t>(index(id))].data() + i * 2, 2);
      ASSERT_EQ(got, convert(half));
    }
  };
  check(gpu, bound[0], f16, half_to_float);
  check(cpu, bound[1], f16, half_to_float);
  check(cpu, bound[2], bf16, bf16_to_float);
}

TEST_F(WeightStoreTest, LoadReadsEverythingOnceAndReleasesItsPages) {
  const WeightId a = model.add(DType::kQ8_0, 4096, 4096);  // several pieces of 4 MiB
  const WeightId b = model.add(DType::kF16, 1, 64, true);
  const Program program = model.program({{a, 0, Layout::kPanel16, 0}, {b, 1, Layout::kStored, 0}});
  const Program* programs[] = {&program};
  WeightHomes homes = model.homes();
  std::mutex mutex;
  std::vector<std::span<const std::byte>> released;
  homes.release_pages = [&](std::span<const std::byte> range) {
    const std::lock_guard lock(mutex);
    released.push_back(range);
  };
  WeightStore store(homes, {&gpu, &cpu});
  std::vector<uint64_t> steps;
  uint64_t total = 0;
  store.load(plan_weights(model.net, programs, kinds()), {2, [&](uint64_t done, uint64_t all) {
                                                            steps.push_back(done);
                                                            total = all;
                                                          }});
  EXPECT_EQ(total, model.bytes[0].size() + model.bytes[1].size());
  EXPECT_EQ(steps.back(), total);
  EXPECT_TRUE(std::is_sorted(steps.begin(), steps.end()));
  EXPECT_GE(gpu.writes, 4);
  bool whole_seen = false;
  for (const auto& range : released) {
    whole_seen |= range.data() == model.bytes[0].data() && range.size() == model.bytes[0].size();
  }
  EXPECT_TRUE(whole_seen);
  expect_same(store, a, {0, Layout::kPanel16});
}

TEST_F(WeightStoreTest, AFailingDeviceEndsTheLoadWithItsError) {
  const WeightId a = model.add(DType::kQ8_0, 4096, 2048);
  const Program program = model.program({{a, 0, Layout::kPanel16, 0}});
  const Program* programs[] = {&program};
  WeightPlan plan = plan_weights(model.net, programs, kinds());
  plan.devices[0].buffer_bytes[0] = 256;  // the fake refuses to write past its end
  WeightStore store = make_store();
  EXPECT_THROW(store.load(plan, {3, {}}), Error);
}

TEST_F(WeightStoreTest, BringPutsABoxWhereItIsAskedAndDropGivesTheMemoryBack) {
  const WeightId w = model.add(DType::kQ4_K, 48, 1024);
  WeightStore store = make_store();
  const WeightRange box{16, 40, 1, 3};  // 24 rows, blocks 1 and 2 of four
  const WeightPlace place{0, Layout::kPanel16};
  EXPECT_FALSE(store.at(w, box, place));
  const Brought brought = store.bring(w, box, place);
  EXPECT_EQ(brought.where.rows, 24);
  EXPECT_EQ(brought.where.cols, 512);
  EXPECT_EQ(brought.ready.value, 0u);
  EXPECT_EQ(gpu.allocated_bytes(), layout_bytes(DType::kQ4_K, Layout::kPanel16, 24, 512));
  ASSERT_TRUE(store.at(w, box, place));

  const WeightHome part{{}, DType::kQ4_K, 24, 512, false};
  const auto bytes = contents(gpu, brought.where, gpu.allocated_bytes());
  const auto stored = stored_of(part, Layout::kPanel16, bytes);
  const uint64_t block = 144, row = 4 * block;
  for (uint64_t r = 0; r < 24; ++r) {
    ASSERT_EQ(0, std::memcmp(stored.data() + r * 2 * block, model.bytes[0].data() + (16 + r) * row + block,
                             2 * block));
  }
  store.drop(w, box, place);
  EXPECT_EQ(gpu.allocated_bytes(), 0u);
  EXPECT_FALSE(store.at(w, box, place));
}

TEST_F(WeightStoreTest, BringTakesTheCpusPackedCopyWhereThereIsOne) {
  const WeightId w = model.add(DType::kQ8_0, 50, 128);
  const Program program = model.program({{w, 1, Layout::kPanel16, 0}});
  const Program* programs[] = {&program};
  WeightStore store = make_store();
  store.load(plan_weights(model.net, programs, kinds()), {});
  std::fill(model.bytes[0].begin(), model.bytes[0].end(), std::byte{0});  // the home must not be read again
  const auto staging = gpu.allocate(1 << 20, BufferUse::kWeights);
  const WeightRange rows{16, 50, 0, 4};
  const Brought brought = store.bring(w, rows, {0, Layout::kPanel16}, {staging.get(), 4096});
  EXPECT_EQ(brought.where.buffer, staging.get());
  EXPECT_EQ(brought.where.offset, 4096u);
  const uint64_t bytes = layout_bytes(DType::kQ8_0, Layout::kPanel16, 34, 128);
  const auto there = contents(gpu, brought.where, bytes);
  const BoundWeight on_cpu = store.bind(program)[0];
  EXPECT_EQ(0, std::memcmp(there.data(),
                           on_cpu.buffer->host() + on_cpu.offset + panel_bytes(DType::kQ8_0, 128), bytes));
  EXPECT_EQ(store.bytes(0), 0u);  // the staging buffer is the caller's
}

TEST_F(WeightStoreTest, BringOfStoredRowsOnTheCpuIsAView) {
  const WeightId w = model.add(DType::kQ8_0, 50, 128);
  WeightStore store = make_store();
  const Brought rows = store.bring(w, {7, 9, 0, 4}, {1, Layout::kStored});
  EXPECT_EQ(rows.where.buffer->host(), model.bytes[0].data() + 7 * 4 * 34);
  EXPECT_EQ(cpu.allocations, 0);
  const Brought part = store.bring(w, {7, 9, 1, 2}, {1, Layout::kStored});  // does not lie together
  EXPECT_EQ(cpu.allocations, 1);
  EXPECT_EQ(0, std::memcmp(part.where.buffer->host() + 34, model.bytes[0].data() + (8 * 4 + 1) * 34, 34));
}

TEST_F(WeightStoreTest, RefusesWhatCannotBe) {
  const WeightId w = model.add(DType::kQ8_0, 50, 128);
  const WeightId v = model.add(DType::kF32, 1, 128, true);
  WeightStore store = make_store();
  const auto refused = [&](WeightId id, WeightRange range, WeightPlace place, WeightSpot spot = {}) {
    EXPECT_THROW(store.bring(id, range, place, spot), Error);
  };
  refused(w, {8, 24, 0, 4}, {0, Layout::kPanel16});
  refused(w, {0, 51, 0, 4}, {0, Layout::kStored});
  refused(w, {5, 5, 0, 4}, {0, Layout::kStored});
  refused(w, {0, 50, 0, 5}, {0, Layout::kStored});
  refused(v, {0, 1, 0, 64}, {0, Layout::kStored});
  const auto small = gpu.allocate(100, BufferUse::kStaging);
  refused(w, {0, 50, 0, 4}, {0, Layout::kStored}, {small.get(), 0});
  refused(w, {0, 1, 0, 1}, {0, Layout::kStored}, {small.get(), 101});
  Program program = model.program({{w, 0, Layout::kStored, 0}});
  EXPECT_THROW(store.bind(program), Error);
}

TEST(WeightPlan, ACopyThatTwoProgramsNameIsCountedOnceAndASecondDeviceIsASecondCopy) {
  Model model;
  const WeightId tied = model.add(DType::kQ8_0, 64, 64);
  const Program decode = model.program({{tied, 1, Layout::kStored, 0}, {tied, 0, Layout::kPanel16, 0}});
  const Program prefill = decode;
  const Program* programs[] = {&decode, &prefill};
  const WeightDevice devices[] = {{DeviceKind::kVulkan, 0}, {DeviceKind::kCpu, 0}};
  const WeightPlan plan = plan_weights(model.net, programs, devices);
  EXPECT_EQ(plan.weights.size(), 2u);
  EXPECT_EQ(plan.devices[1].mapped_bytes, 64u * 2 * 34);
  EXPECT_EQ(plan.devices[0].bytes(), 4u * 1088);
}

}  // namespace
}  // namespace yoke
