#include "cache/kv_storage.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/fake_device.h"

namespace yoke {
namespace {

using test::FakeDevice;

Net three_layers() {
  Net net;
  net.caches = {{"blk.0.kv", 3, 64}, {"blk.1.kv", 3, 64}, {"blk.2.kv", 1, 32}};
  return net;
}

TEST(KvStorage, EachCacheLiesWholeOnItsDevice) {
  FakeDevice gpu(FakeDevice::gpu()), cpu(FakeDevice::cpu());
  Device* const devices[] = {&gpu, &cpu};
  const Net net = three_layers();
  const std::vector<ProgramCache> caches = {{CacheId{0}, 0}, {CacheId{1}, 1}, {CacheId{2}, 0}};
  for (const KvType type : {KvType::kF16, KvType::kF32, KvType::kQ8_0}) {
    const KvStorage storage(net, caches, devices, type, 7);
    EXPECT_EQ(storage.bytes(0), cache_bytes(net.caches[0], type, 7) + cache_bytes(net.caches[2], type, 7));
    EXPECT_EQ(storage.bytes(1), cache_bytes(net.caches[1], type, 7));
    EXPECT_EQ(gpu.allocated_bytes(BufferUse::kCache), storage.bytes(0));
    EXPECT_EQ(cpu.allocated_bytes(), storage.bytes(1));

    Program program;
    program.caches = {{CacheId{2}, 0}, {CacheId{0}, 0}};
    const auto bound = storage.bind(program);
    ASSERT_EQ(bound.size(), 2u);
    EXPECT_EQ(bound[0].kv_heads, 1);
    EXPECT_EQ(bound[0].type, type);
    EXPECT_EQ(bound[0].blocks, 7);
    EXPECT_EQ(bound[1].head_dim, 64);
    EXPECT_EQ(bound[0].offset, bound[1].offset + cache_bytes(net.caches[0], type, 7));
    EXPECT_LE(bound[0].offset + 7 * kv_block_bytes(type, 1, 32), bound[0].buffer->bytes());
    EXPECT_EQ(bound[0].offset % 256, 0u);
  }
  EXPECT_EQ(gpu.allocated_bytes(), 0u);
}

TEST(KvStorage, BytesAreTheSameWhenTheDeviceLimitsItsBuffers) {
  DeviceInfo info = FakeDevice::gpu();
  const Net net = three_layers();
  info.max_buffer_bytes = cache_bytes(net.caches[0], KvType::kF16, 7) + 256;
  FakeDevice gpu(info);
  Device* const devices[] = {&gpu};
  const std::vector<ProgramCache> caches = {{CacheId{0}, 0}, {CacheId{1}, 0}, {CacheId{2}, 0}};
  const KvStorage storage(net, caches, devices, KvType::kF16, 7);
  EXPECT_GT(gpu.allocations, 1);
  uint64_t sum = 0;
  for (const NetCache& cache : net.caches) sum += cache_bytes(cache, KvType::kF16, 7);
  EXPECT_EQ(storage.bytes(0), sum);
}

TEST(KvStorage, BindRefusesACacheThatIsElsewhere) {
  FakeDevice gpu(FakeDevice::gpu()), cpu(FakeDevice::cpu());
  Device* const devices[] = {&gpu, &cpu};
  const std::vector<ProgramCache> caches = {{CacheId{0}, 0}};
  const KvStorage storage(three_layers(), caches, devices, KvType::kF16, 1);
  Program program;
  program.caches = {{CacheId{0}, 1}};
  EXPECT_THROW(storage.bind(program), Error);
}

TEST(KvStorage, IsRefusedWithTheNumbersAboveTheBound) {
  FakeDevice cpu(FakeDevice::cpu());
  cpu.set_memory_bound(1000);
  Device* const devices[] = {&cpu};
  const std::vector<ProgramCache> caches = {{CacheId{0}, 0}};
  try {
    KvStorage(three_layers(), caches, devices, KvType::kF16, 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kDoesNotFit);
  }
  EXPECT_EQ(cpu.allocated_bytes(), 0u);
}

}  // namespace
}  // namespace yoke
