// What the architectures read from a file's metadata and tensor list, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "gguf/gguf_writer.h"
#include "models/architecture.h"
#include "support/temp_folder.h"

namespace yoke {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr int kF32 = 0;

// Two blocks of width 64: 4 heads of 16, 2 for keys and values, 96 wide inside, 40 tokens.
class ModelFile {
 public:
  explicit ModelFile(std::string architecture = "llama") : architecture_(std::move(architecture)) {
    tensor("token_embd.weight", {64, 40});
    for (const std::string block : {"blk.0.", "blk.1."}) {
      for (const char* norm : {"attn_norm", "ffn_norm"}) tensor(block + norm + ".weight", {64});
      tensor(block + "attn_q.weight", {64, 64});
      tensor(block + "attn_k.weight", {64, 32});
      tensor(block + "attn_v.weight", {64, 32});
      tensor(block + "attn_output.weight", {64, 64});
      tensor(block + "ffn_gate.weight", {64, 96});
      tensor(block + "ffn_up.weight", {64, 96});
      tensor(block + "ffn_down.weight", {96, 64});
      if (architecture_ == "qwen2") {
        tensor(block + "attn_q.bias", {64});
        tensor(block + "attn_k.bias", {32});
        tensor(block + "attn_v.bias", {32});
      }
      if (architecture_ == "qwen3") {
        tensor(block + "attn_q_norm.weight", {16});
        tensor(block + "attn_k_norm.weight", {16});
      }
    }
    tensor("output_norm.weight", {64});
    number("block_count", 2U);
    number("context_length", 128U);
    number("embedding_length", 64U);
    number("feed_forward_length", 96U);
    number("attention.head_count", 4U);
    number("attention.head_count_kv", 2U);
  }

  void tensor(const std::string& name, std::vector<int64_t> shape) { tensors_[name] = std::move(shape); }
  void without(const std::string& name) { tensors_.erase(name); }
  template <typename T>
  void number(const std::string& key, T value) {
    values_.insert_or_assign(architecture_ + "." + key, EncodedValue::number(value));
  }
  void text(const std::string& key, const std::string& value) {
    values_.insert_or_assign(architecture_ + "." + key, EncodedValue::text(value));
  }
  void no_value(const std::string& key) { values_.erase(architecture_ + "." + key); }
  void call_it(const std::string& name) { name_ = name; }
  std::vector<float> factors;  // of rope_freqs.weight

  Net net() {
    const std::string path = folder_ / "model.gguf";
    GgufWriter writer(path);
    writer.set("general.architecture", name_.empty() ? architecture_ : name_);
    for (const auto& [key, value] : values_) writer.set(key, value);
    if (!factors.empty()) tensor("rope_freqs.weight", {static_cast<int64_t>(factors.size())});
    for (const auto& [name, shape] : tensors_) writer.declare(name, kF32, shape);
    for (const auto& [name, shape] : tensors_) {
      int64_t elements = 1;
      for (const int64_t n : shape) elements *= n;
      std::vector<float> data(static_cast<size_t>(elements));
      if (name == "rope_freqs.weight") data = factors;
      writer.append(std::as_bytes(std::span(data)));
    }
    writer.finish();
    return build_net(GgufFile::open(path));
  }

  std::string refusal() {
    try {
      net();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kBadFile) << e.what();
      EXPECT_THAT(e.what(), testing::Not(HasSubstr("\n")));
      return e.what();
    }
    ADD_FAILURE() << "it was accepted";
    return "";
  }

 private:
  test::TempFolder folder_;
  std::string architecture_, name_;
  std::map<std::string, EncodedValue> values_;
  std::map<std::string, std::vector<int64_t>> tensors_;
};

class EveryArchitecture : public testing::TestWithParam<const char*> {};

TEST_P(EveryArchitecture, ReadsItsOwnFiles) {
  const Net net = ModelFile(GetParam()).net();
  EXPECT_EQ(net.architecture, GetParam());
  EXPECT_EQ(net.layers, 2);
  EXPECT_EQ(net.vocabulary, 40);
  EXPECT_EQ(net.width, 64);
  EXPECT_EQ(net.trained_context, 128);
  ASSERT_EQ(net.caches.size(), 2);
  EXPECT_EQ(net.caches[1].kv_heads, 2);
  EXPECT_EQ(net.caches[1].head_dim, 16);
  ASSERT_EQ(net.ropes.size(), 1);
  ASSERT_EQ(net.ropes[0].inverse_frequency.size(), 8);
  EXPECT_DOUBLE_EQ(net.ropes[0].inverse_frequency[4], 1.0 / std::sqrt(10000.0));
}

TEST_P(EveryArchitecture, NamesEveryTensorThatIsMissing) {
  for (const char* name :
       {"token_embd.weight", "blk.0.attn_norm.weight", "blk.1.attn_q.weight", "blk.0.attn_k.weight",
        "blk.1.attn_v.weight", "blk.0.attn_output.weight", "blk.1.ffn_norm.weight", "blk.0.ffn_gate.weight",
        "blk.1.ffn_up.weight", "blk.0.ffn_down.weight", "output_norm.weight"}) {
    ModelFile file(GetParam());
    file.without(name);
    EXPECT_THAT(file.refusal(), HasSubstr(name));
  }
}

TEST_P(EveryArchitecture, NamesEveryTensorOfAnotherShapeAndBothShapes) {
  ModelFile file(GetParam());
  file.tensor("blk.1.attn_k.weight", {64, 48});
  EXPECT_THAT(file.refusal(), AllOf(HasSubstr("blk.1.attn_k.weight"), HasSubstr("48"), HasSubstr("32")));
  ModelFile vector(GetParam());
  vector.tensor("blk.0.ffn_norm.weight", {63});
  EXPECT_THAT(vector.refusal(), HasSubstr("blk.0.ffn_norm.weight"));
}

INSTANTIATE_TEST_SUITE_P(All, EveryArchitecture, testing::Values("llama", "qwen2", "qwen3"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Architectures, AnUnknownOneIsNamedWithTheKnown) {
  ModelFile file;
  file.call_it("mamba\x1b[2J");
  EXPECT_THAT(file.refusal(),
              AllOf(HasSubstr("mamba"), HasSubstr("llama, qwen2, qwen3"), testing::Not(HasSubstr("\x1b"))));
}

TEST(Architectures, Qwen3NeedsItsHeadNorms) {
  ModelFile file("qwen3");
  file.without("blk.1.attn_k_norm.weight");
  EXPECT_THAT(file.refusal(), HasSubstr("blk.1.attn_k_norm.weight"));
}

struct BadValue {
  const char* key;
  uint32_t value;
};

class BadValues : public testing::TestWithParam<BadValue> {};

TEST_P(BadValues, AreRefusedByTheirName) {
  ModelFile file;
  file.number(GetParam().key, GetParam().value);
  EXPECT_THAT(file.refusal(), HasSubstr(std::string("llama.") + GetParam().key));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadValues,
    testing::Values(BadValue{"block_count", 0}, BadValue{"block_count", 4000000000},
                    BadValue{"embedding_length", 0}, BadValue{"feed_forward_length", 0},
                    BadValue{"attention.head_count", 0}, BadValue{"attention.head_count_kv", 3},
                    BadValue{"attention.head_count_kv", 0}, BadValue{"attention.key_length", 2000},
                    BadValue{"attention.value_length", 8}, BadValue{"rope.dimension_count", 15},
                    BadValue{"rope.dimension_count", 18}, BadValue{"context_length", 0},
                    BadValue{"expert_count", 8}, BadValue{"attention.sliding_window", 4096}));

TEST(Metadata, AMissingCountIsNamed) {
  ModelFile file;
  file.no_value("feed_forward_length");
  EXPECT_THAT(file.refusal(), HasSubstr("llama.feed_forward_length"));
}

// What follows from other values is held to the same limits as what is written.
TEST(Metadata, AHeadThatFollowsFromTheWidthKeepsToTheLimits) {
  ModelFile file;
  file.number("embedding_length", 4096U);
  file.number("attention.head_count", 1U);
  file.number("attention.head_count_kv", 1U);
  EXPECT_THAT(file.refusal(), HasSubstr("llama.attention.key_length"));
  file.number("embedding_length", 2U);
  file.number("attention.head_count", 4U);
  EXPECT_THAT(file.refusal(), HasSubstr("llama.attention.key_length"));
}

double frequency(ModelFile& file, size_t pair) {
  return file.net().ropes[0].inverse_frequency[pair];
}

TEST(RopeScaling, LinearDividesEveryFrequency) {
  ModelFile plain, scaled;
  scaled.text("rope.scaling.type", "linear");
  scaled.number("rope.scaling.factor", 4.0F);
  for (const size_t pair : {0, 3, 7}) EXPECT_DOUBLE_EQ(frequency(scaled, pair), frequency(plain, pair) / 4);
}

TEST(RopeScaling, AFactorOfZeroMeansNone) {
  ModelFile plain, zero;
  zero.number("rope.scaling.factor", 0.0F);
  EXPECT_EQ(frequency(zero, 5), frequency(plain, 5));
}

TEST(RopeScaling, FactorsOfTheFileDivideTheFrequencies) {
  ModelFile plain, scaled;
  scaled.factors = {1, 1, 1, 1, 2, 4, 8, 8};
  EXPECT_DOUBLE_EQ(frequency(scaled, 5), frequency(plain, 5) / 4);
  ModelFile bad;
  bad.factors = {1, 1, 1, 1, 2, 4, 0, 8};
  EXPECT_THAT(bad.refusal(), HasSubstr("rope_freqs.weight"));
  ModelFile few;
  few.factors = {1, 1, 1};
  EXPECT_THAT(few.refusal(), HasSubstr("rope_freqs.weight"));
}

// arXiv 2309.00071: fast pairs stay, slow ones are divided, the softmax's temperature rises with the factor,
// and below 1 nothing does.
TEST(RopeScaling, YarnKeepsFastPairsAndInterpolatesSlowOnes) {
  ModelFile plain, scaled;
  scaled.text("rope.scaling.type", "yarn");
  scaled.number("rope.scaling.factor", 8.0F);
  scaled.number("rope.scaling.original_context_length", 128U);
  EXPECT_EQ(frequency(scaled, 0), frequency(plain, 0));
  EXPECT_DOUBLE_EQ(frequency(scaled, 7), frequency(plain, 7) / 8);
  EXPECT_DOUBLE_EQ(scaled.net().ropes[0].magnitude, 1 + 0.1 * std::log(8.0));
  scaled.number("rope.scaling.factor", 0.5F);
  EXPECT_EQ(scaled.net().ropes[0].magnitude, 1);
}

TEST(RopeScaling, AnUnknownTypeIsNamedWithTheKnown) {
  ModelFile file;
  file.text("rope.scaling.type", "ntk");
  EXPECT_THAT(file.refusal(), AllOf(HasSubstr("ntk"), HasSubstr("yarn")));
}

TEST(RopeScaling, FactorsThatAreNoNumbersAreRefused) {
  for (const float factor : {-1.0F, std::nanf(""), INFINITY, 1e9F}) {
    ModelFile file;
    file.number("rope.scaling.factor", factor);
    EXPECT_THAT(file.refusal(), HasSubstr("llama.rope.scaling.factor"));
  }
}

}  // namespace
}  // namespace yoke
