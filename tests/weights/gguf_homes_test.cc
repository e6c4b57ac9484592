#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"
#include "gguf/gguf_writer.h"
#include "support/fake_device.h"
#include "support/temp_folder.h"
#include "weights/weight_store.h"

namespace yoke {
namespace {

class GgufHomes : public ::testing::Test {
 protected:
  GgufHomes() : path(folder / "m.gguf") {
    GgufWriter writer(path);
    const int64_t matrix[] = {64, 40}, norm[] = {64};
    writer.declare("a.weight", static_cast<uint32_t>(DType::kQ8_0), matrix);
    writer.declare("norm.weight", static_cast<uint32_t>(DType::kF32), norm);
    a.resize(stored_bytes(DType::kQ8_0, 40, 64));
    for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::byte>(i % 61);
    std::vector<float> ramp(64);
    std::iota(ramp.begin(), ramp.end(), 1.0f);
    writer.append(a);
    writer.append(std::as_bytes(std::span(ramp)));
    writer.finish();
    net.weights = {{"a.weight", DType::kQ8_0, 40, 64, false, false},
                   {"norm.weight", DType::kF32, 1, 64, true, false}};
  }
  std::string error() {
    const GgufFile file = GgufFile::open(path);
    try {
      gguf_homes(net, file);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kBadFile);
      return e.what();
    }
    return "";
  }

  test::TempFolder folder;
  std::string path;
  std::vector<std::byte> a;
  Net net;
};

TEST_F(GgufHomes, LoadsFromTheMappedFile) {
  const GgufFile file = GgufFile::open(path);
  test::FakeDevice cpu(test::FakeDevice::cpu());
  Program program;
  program.weights = {{WeightId{0}, 0, Layout::kPanel16, layout_bytes(DType::kQ8_0, Layout::kPanel16, 40, 64)},
                     {WeightId{0}, 0, Layout::kStored, a.size()},
                     {WeightId{1}, 0, Layout::kStored, 256}};
  const Program* programs[] = {&program};
  const WeightDevice devices[] = {{DeviceKind::kCpu, 0}};
  WeightStore store(gguf_homes(net, file), {&cpu});
  store.load(plan_weights(net, programs, devices), {.threads = 2, .progress = {}});
  const auto bound = store.bind(program);
  const std::byte* panels = bound[0].buffer->host() + bound[0].offset;
  std::vector<std::byte> row(68);
  for (int64_t r = 0; r < 40; ++r) {
    unpack_row(DType::kQ8_0, 64, panels, r, row.data());
    ASSERT_EQ(0, std::memcmp(row.data(), a.data() + r * 68, 68)) << r;
  }
  // The pages were released behind the packing; the mapping still reads the same bytes.
  EXPECT_EQ(bound[1].buffer->host(), file.find_tensor("a.weight")->data.data());
  EXPECT_EQ(0, std::memcmp(bound[1].buffer->host(), a.data(), a.size()));
  float last = 0;
  std::memcpy(&last, bound[2].buffer->host() + bound[2].offset + 63 * 4, 4);
  EXPECT_EQ(last, 64.0f);
}

TEST_F(GgufHomes, NamesTheTensorThatIsWrong) {
  EXPECT_EQ(error(), "");
  net.weights[0].rows = 41;
  EXPECT_NE(error().find("a.weight"), std::string::npos);
  net.weights[0].rows = 40;
  net.weights[1].type = DType::kF16;
  EXPECT_NE(error().find("norm.weight: its type is F32, expected F16"), std::string::npos);
  net.weights[1].name = "gone.weight";
  EXPECT_NE(error().find("gone.weight: it is missing"), std::string::npos);
}

}  // namespace
}  // namespace yoke
