#include "placement/machine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "placement/device_list.h"
#include "placement/system_memory.h"
#include "support/fake_device.h"
#include "support/temp_folder.h"

namespace yoke {
namespace {

ErrorKind kind_of(const std::function<void()>& f, std::string* message = nullptr) {
  try {
    f();
  } catch (const Error& e) {
    if (message) *message = e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kRuntime;
}

TEST(ParseMachine, ReadsDevicesAndLinks) {
  const Machine machine = parse_machine(R"({"devices": [
      {"name": "vulkan:0", "memory_bytes": 8589934592, "bandwidth_gb_s": 448.5, "max_buffer_bytes": 4294967295},
      {"name": "cpu", "memory_bytes": 34359738368, "bandwidth_gb_s": 50}],
      "links": [{"from": "cpu", "to": "vulkan:0", "bandwidth_gb_s": 12, "latency_us": 20}]})",
                                        "m.json");
  ASSERT_EQ(machine.devices.size(), 2u);
  EXPECT_EQ(machine.devices[0].kind, DeviceKind::kVulkan);
  EXPECT_EQ(machine.devices[0].memory_bytes, 8589934592u);
  EXPECT_EQ(machine.devices[0].bandwidth_gb_s, 448.5);
  EXPECT_EQ(machine.devices[0].max_buffer_bytes, 4294967295u);
  EXPECT_EQ(machine.devices[1].kind, DeviceKind::kCpu);
  ASSERT_EQ(machine.links.size(), 1u);
  EXPECT_EQ(machine.links[0].latency_us, 20);
}

TEST(ParseMachine, RefusesWhatIsWrongAndNamesTheField) {
  const auto refused = [](const std::string& json) {
    std::string message;
    EXPECT_EQ(kind_of([&] { parse_machine(json, "m.json"); }, &message), ErrorKind::kBadFile) << json;
    EXPECT_TRUE(message.starts_with("reading m.json: ")) << message;
    return message;
  };
  const auto device = [&](const std::string& fields) {
    return refused(R"({"devices": [{)" + fields + "}]}");
  };
  EXPECT_NE(refused("{").find("JSON"), std::string::npos);
  refused("");
  refused("[]");
  refused("null");
  refused("{}");
  refused(R"({"devices": []})");
  refused(R"({"devices": 5})");
  refused(R"({"devices": [5]})");
  refused("\xff\xfe");
  EXPECT_NE(device(R"("memory_bytes": 1, "bandwidth_gb_s": 1)").find("devices[0].name is missing"),
            std::string::npos);
  EXPECT_NE(device(R"("name": "tpu", "memory_bytes": 1, "bandwidth_gb_s": 1)").find("name"),
            std::string::npos);
  device(R"("name": 5, "memory_bytes": 1, "bandwidth_gb_s": 1)");
  EXPECT_NE(device(R"("name": "cpu", "bandwidth_gb_s": 1)").find("memory_bytes is missing"),
            std::string::npos);
  for (const char* bytes :
       {"-1", "1.5", "1e99", "\"8G\"", "null", "18446744073709551615", "99999999999999999999999"}) {
    device(R"("name": "cpu", "bandwidth_gb_s": 1, "memory_bytes": )" + std::string(bytes));
  }
  for (const char* speed : {"-1", "1e300", "1e400", "\"fast\"", "true"}) {
    device(R"("name": "cpu", "memory_bytes": 1, "bandwidth_gb_s": )" + std::string(speed));
  }
  device(R"("name": "cpu", "memory_bytes": 1, "bandwidth_gb_s": 1, "shares_memory": 1)");
  const std::string cpu = R"({"name": "cpu", "memory_bytes": 1, "bandwidth_gb_s": 1})";
  EXPECT_NE(refused(R"({"devices": [)" + cpu + "," + cpu + "]}").find("twice"), std::string::npos);
  refused(R"({"devices": [)" + cpu +
          R"(], "links": [{"from": "cpu", "to": "vulkan:0", "bandwidth_gb_s": 1}]})");
  refused(R"({"devices": [)" + cpu + R"(], "links": {}})");
  std::string many = cpu;
  for (int i = 0; i < 100; ++i) many += "," + cpu;
  refused(R"({"devices": [)" + many + "]}");
  // Deep nesting must not exhaust the stack.
  refused(R"({"devices": )" + std::string(200000, '[') + std::string(200000, ']') + "}");
}

TEST(ReadMachine, RefusesMissingEmptyAndHugeFiles) {
  const test::TempFolder folder;
  const auto path = std::filesystem::path(folder / "m.json");
  EXPECT_EQ(kind_of([&] { read_machine(path.string()); }), ErrorKind::kBadFile);
  std::ofstream(path) << "";
  EXPECT_EQ(kind_of([&] { read_machine(path.string()); }), ErrorKind::kBadFile);
  std::string message;
  EXPECT_EQ(kind_of([&] { read_machine("/dev/zero"); }, &message), ErrorKind::kBadFile);
  EXPECT_NE(message.find("1 MiB"), std::string::npos);
  EXPECT_EQ(kind_of([&] { read_machine(folder.path()); }), ErrorKind::kBadFile);
}

TEST(DeviceKind, KnowsNamesOnly) {
  EXPECT_EQ(device_kind("vulkan:12"), DeviceKind::kVulkan);
  for (const char* name : {"", "vulkan", "vulkan:", "vulkan:x", "vulkan:1234", "cpu0", "CPU"}) {
    EXPECT_EQ(kind_of([&] { device_kind(name); }), ErrorKind::kUsage) << name;
  }
}

DeviceInfo info(const std::string& name, bool software = false) {
  DeviceInfo result;
  result.name = name;
  result.kind = device_kind(name);
  result.software = software;
  return result;
}

TEST(ChooseDevices, ByDefaultEveryRealGpuAndTheCpu) {
  const std::vector<DeviceInfo> available = {info("cpu"), info("reference"), info("vulkan:0", true),
                                             info("vulkan:1"), info("vulkan:2")};
  using Names = std::vector<std::string>;
  EXPECT_EQ(choose_devices("", available), (Names{"vulkan:1", "vulkan:2", "cpu"}));
  EXPECT_EQ(choose_devices("vulkan:0", available), (Names{"vulkan:0", "cpu"}));
  EXPECT_EQ(choose_devices("vulkan:2,vulkan:0", available), (Names{"vulkan:2", "vulkan:0", "cpu"}));
  EXPECT_EQ(choose_devices("vulkan:0,vulkan:0,cpu", available), (Names{"vulkan:0", "vulkan:0", "cpu"}));
  EXPECT_EQ(choose_devices("cpu, vulkan:1", available), (Names{"vulkan:1", "cpu"}));
  EXPECT_EQ(choose_devices("reference", available), (Names{"reference"}));
  std::string message;
  EXPECT_EQ(kind_of([&] { choose_devices("vulkan:7", available); }, &message), ErrorKind::kUsage);
  EXPECT_NE(message.find("vulkan:2"), std::string::npos) << "the known ones are listed";
  EXPECT_EQ(kind_of([&] { choose_devices("cpu,", available); }), ErrorKind::kUsage);
}

TEST(ChosenMachine, MayHoldADeviceTwiceAndNeedsItsCpu) {
  Machine all = parse_machine(R"({"devices": [{"name": "cpu", "memory_bytes": 1, "bandwidth_gb_s": 1},
                                              {"name": "vulkan:0", "memory_bytes": 2, "bandwidth_gb_s": 1}]})",
                              "m");
  const Machine twice = chosen(all, "vulkan:0,vulkan:0");
  ASSERT_EQ(twice.devices.size(), 3u);
  EXPECT_EQ(twice.devices[1].memory_bytes, 2u);
  EXPECT_EQ(twice.devices[2].name, "cpu");
  all.devices.erase(all.devices.begin());
  EXPECT_EQ(kind_of([&] { chosen(all, ""); }), ErrorKind::kUsage);
}

TEST(MachineOf, KeepsAReserveOfAGpusFreeMemory) {
  DeviceInfo gpu = test::FakeDevice::gpu();
  gpu.memory_bytes = uint64_t{16} << 30;
  gpu.free_bytes = uint64_t{10} << 30;
  test::FakeDevice a(gpu), b(test::FakeDevice::cpu());
  Device* const devices[] = {&a, &b};
  const Machine machine = machine_of(devices);
  EXPECT_EQ(machine.devices[0].memory_bytes, gpu.free_bytes - gpu.free_bytes / 50);
  EXPECT_EQ(machine.devices[0].device, &a);
  EXPECT_GT(machine.devices[1].memory_bytes, 0u);
}

class SystemMemory : public ::testing::Test {
 protected:
  void put(const std::string& file, const std::string& text) {
    const auto path = std::filesystem::path(folder / file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  uint64_t available() { return available_memory(folder.path()); }
  test::TempFolder folder;
};

TEST_F(SystemMemory, IsWhatTheKernelCallsAvailable) {
  EXPECT_EQ(available(), 0u);
  put("proc/meminfo", "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n");
  EXPECT_EQ(available(), uint64_t{8000000} * 1024);
}

TEST_F(SystemMemory, AControlGroupOrItsParentMayLeaveLess) {
  put("proc/meminfo", "MemAvailable: 8000000 kB\n");
  put("proc/self/cgroup", "0::/a/b\n");
  put("sys/fs/cgroup/a/b/memory.max", "max\n");
  put("sys/fs/cgroup/a/b/memory.current", "5000\n");
  EXPECT_EQ(available(), uint64_t{8000000} * 1024);
  put("sys/fs/cgroup/a/memory.max", "1000000\n");
  put("sys/fs/cgroup/a/memory.current", "600000\n");
  put("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\n");
  EXPECT_EQ(available(), 500000u);
  put("sys/fs/cgroup/a/memory.current", "2000000\n");
  EXPECT_EQ(available(), 1u) << "nothing is left, which is known";
}

TEST_F(SystemMemory, VersionOneSaysNoLimitByAHugeNumber) {
  put("proc/meminfo", "MemAvailable: 8000000 kB\n");
  put("proc/self/cgroup", "5:memory:/docker/x\n3:cpu:/y\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
  EXPECT_EQ(available(), uint64_t{8000000} * 1024);
  put("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "700\n");
  put("sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes", "200\n");
  EXPECT_EQ(available(), 500u);
}

}  // namespace
}  // namespace yoke
