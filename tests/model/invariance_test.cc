// The same request gives the same bits: at any thread count, instruction set, chunk, batch and placement.
#include <gtest/gtest.h>

#include "base/cpu_features.h"
#include "small_model.h"

namespace yoke {
namespace {

using testing::has_device;
using testing::on;
using testing::score;
using testing::small_model;

const char* const kTypes[] = {"Q4_1", "Q4_K", "Q6_K", "Q8_0", "Q4_K_M", "F16"};

class Invariance : public ::testing::TestWithParam<const char*> {
 protected:
  std::string path() const { return small_model(GetParam()); }
};

TEST_P(Invariance, ThreadsIsaChunkAndBatchDoNotShowOnTheCpu) {
  const std::vector<float> expected = score(on(path(), "cpu")).logits;
  for (const int threads : {1, 3, 5}) {
    ModelOptions options = on(path(), "cpu");
    options.threads = threads;
    EXPECT_EQ(score(options).logits, expected) << threads << " threads";
  }
  for (const std::string_view isa : isas_of(detect_cpu_features())) {
    ModelOptions options = on(path(), "cpu");
    options.isa = isa;
    EXPECT_EQ(score(options).logits, expected) << isa;
  }
  for (const int chunk : {1, 7, 96}) {
    ModelOptions options = on(path(), "cpu");
    options.chunk = chunk;
    EXPECT_EQ(score(options).logits, expected) << "chunk " << chunk;
  }
  EXPECT_EQ(score(on(path(), "cpu"), 96, 2).logits, expected) << "two sequences at once";
}

TEST_P(Invariance, TheCpuEqualsTheReference) {
  ModelOptions options = on(path(), "reference");
  options.chunk = 96;
  EXPECT_EQ(score(options, 40).logits, score(on(path(), "cpu"), 40).logits);
}

TEST_P(Invariance, PlacementsDoNotShow) {
  YOKE_NEED_VULKAN(has_device("vulkan:0"));
  const std::vector<float> expected = score(on(path(), "cpu")).logits;
  for (const char* layers : {"1", "2", "3", "all"}) {
    const testing::Scored hybrid = score(on(path(), "vulkan:0,cpu", layers));
    EXPECT_EQ(hybrid.logits, expected) << layers << " layers on the GPU";
    EXPECT_LE(hybrid.planned_handoffs, 2) << layers;
    EXPECT_EQ(hybrid.handoffs, 6u * static_cast<uint64_t>(hybrid.planned_handoffs)) << "six steps";
  }
}

TEST_P(Invariance, AMixInsideLayersDoesNotShow) {
  YOKE_NEED_VULKAN(has_device("vulkan:0"));
  const std::vector<float> expected = score(on(path(), "cpu")).logits;
  ModelOptions options = on(path(), "vulkan:0,cpu", "3");
  options.place = {"blk\\.1\\.ffn_(gate|down)=cpu", "blk\\.3\\.attn_output=vulkan:0", "blk\\.2\\.attn_k=cpu"};
  EXPECT_EQ(score(options).logits, expected);
  EXPECT_EQ(score(on(path(), "vulkan:0,vulkan:0,cpu", "3")).logits, expected) << "two logical devices";
}

INSTANTIATE_TEST_SUITE_P(Types, Invariance, ::testing::ValuesIn(kTypes),
                         [](const auto& type) { return std::string(type.param); });

TEST(InvarianceOfCaches, EveryCacheTypeOnEveryDevice) {
  for (const KvType kv : {KvType::kF32, KvType::kQ8_0}) {
    ModelOptions options = on(small_model("Q8_0", "Qwen3-0.6B"), "cpu");
    options.kv = kv;
    const std::vector<float> expected = score(options).logits;
    YOKE_NEED_VULKAN(has_device("vulkan:0"));
    options.devices = "vulkan:0,cpu";
    options.gpu_layers = "2";
    EXPECT_EQ(score(options).logits, expected) << name(kv);
  }
}

// Random batches through one Program, used again and again, against a fresh one for each sequence alone.
TEST(Batches, ReusedProgramsEqualFreshOnes) {
  const bool gpu = has_device("vulkan:0");
  ASSERT_EQ(gpu, YOKE_WITH_VULKAN != 0) << "a build with Vulkan needs vulkan:0";
  ModelOptions options = on(small_model("Q4_K"), gpu ? "vulkan:0,cpu" : "cpu", gpu ? "2" : "0");
  options.context = 96;
  options.sequences = 4;
  const auto shared = Model::load(options);
  Random random(11);
  for (int round = 0; round < 6; ++round) {
    struct Sequence {
      std::vector<int32_t> tokens;
      SequenceBlocks blocks;
      int32_t done = 0;
      std::vector<float> last{};
    };
    std::vector<Sequence> sequences;
    const auto count = static_cast<int32_t>(1 + random.next() % 4);
    for (int32_t s = 0; s < count; ++s) {
      sequences.push_back(
          {testing::random_tokens(static_cast<int32_t>(1 + random.next() % 90), random.next()),
           SequenceBlocks(shared->pool())});
    }
    while (true) {
      std::vector<StepItem> items;
      std::vector<size_t> who;
      int32_t rows = 0;
      for (size_t s = 0; s < sequences.size(); ++s) {
        Sequence& q = sequences[s];
        const auto left = static_cast<int32_t>(q.tokens.size()) - q.done;
        const auto take = std::min<int32_t>({left, 1 + static_cast<int32_t>(random.next() % 9), 32 - rows});
        if (take <= 0) continue;
        ASSERT_TRUE(q.blocks.reserve(q.done + take));  // block by block, so that tables interleave
        items.push_back({.blocks = &q.blocks,
                         .first_position = q.done,
                         .tokens = std::span(q.tokens).subspan(q.done, take)});
        who.push_back(s);
        q.done += take;
        rows += take;
      }
      if (items.empty()) break;
      shared->run(items);
      for (size_t i = 0; i < who.size(); ++i) {
        const auto row = shared->logits(static_cast<int32_t>(i));
        sequences[who[i]].last.assign(row.begin(), row.end());
      }
    }
    for (Sequence& q : sequences) {
      ModelOptions alone = on(small_model("Q4_K"), "cpu");
      alone.context = 96;
      const auto fresh = Model::load(alone);
      SequenceBlocks blocks(fresh->pool());
      ASSERT_TRUE(blocks.reserve(static_cast<int64_t>(q.tokens.size())));
      std::vector<float> last;
      for (size_t at = 0; at < q.tokens.size(); at += 32) {
        const StepItem item{
            .blocks = &blocks,
            .first_position = static_cast<int32_t>(at),
            .tokens = std::span(q.tokens).subspan(at, std::min<size_t>(32, q.tokens.size() - at))};
        fresh->run({&item, 1});
        const auto row = fresh->logits(0);
        last.assign(row.begin(), row.end());
      }
      EXPECT_EQ(q.last, last) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace yoke
