// Against PyPI's gguf.quants, whose results lie in vectors/ (make_quant_vectors.py).
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "tensor/quantize.h"

namespace yoke {
namespace {

class Reader {
 public:
  explicit Reader(const std::string& name) {
    std::ifstream file(std::string(YOKE_TESTS_DIR) + "/tensor/vectors/" + name, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }
  bool done() const { return at_ >= bytes_.size(); }
  uint32_t number() {
    uint32_t n;
    std::memcpy(&n, take(4), 4);
    return n;
  }
  const std::byte* take(size_t n) {
    if (n > bytes_.size() - at_) throw std::runtime_error("vectors are cut short");
    at_ += n;
    return reinterpret_cast<const std::byte*>(bytes_.data()) + at_ - n;
  }
  std::vector<float> floats(size_t n) {
    std::vector<float> out(n);
    std::memcpy(out.data(), take(4 * n), 4 * n);
    return out;
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

TEST(QuantVectors, DequantizeEveryFormatBitForBit) {
  Reader file("dequantize.bin");
  std::set<DType> seen;
  while (!file.done()) {
    const auto type = static_cast<DType>(file.number());
    const uint32_t n = file.number();
    const uint32_t bytes = file.number();
    ASSERT_EQ(bytes, stored_bytes(type, 1, n));
    const std::byte* blocks = file.take(bytes);
    const std::vector<float> expected = file.floats(n);
    std::vector<float> got(n, -1.0f);
    dequantize(type, blocks, n, got.data());
    for (uint32_t i = 0; i < n; ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(expected[i]))
          << traits(type).name << " element " << i << ": " << got[i] << " for " << expected[i];
    }
    seen.insert(type);
  }
  EXPECT_EQ(seen.size(), all_dtypes().size());
}

TEST(QuantVectors, QuantizeByteForByte) {
  Reader file("quantize.bin");
  const uint32_t n = file.number();
  const std::vector<float> in = file.floats(n);
  int formats = 0;
  for (; !file.done(); ++formats) {
    const auto type = static_cast<DType>(file.number());
    const uint32_t bytes = file.number();
    ASSERT_EQ(bytes, stored_bytes(type, 1, n));
    const std::byte* expected = file.take(bytes);
    std::vector<std::byte> got(bytes);
    quantize(type, in.data(), n, got.data());
    const size_t block_bytes = traits(type).block_bytes;
    for (size_t b = 0; b < bytes / block_bytes; ++b) {
      ASSERT_EQ(std::memcmp(&got[b * block_bytes], expected + b * block_bytes, block_bytes), 0)
          << traits(type).name << " block " << b;
    }
  }
  EXPECT_EQ(formats, 8);
}

}  // namespace
}  // namespace yoke
