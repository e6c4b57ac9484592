// Whole steps of a small model: the same bits for every number of threads and every instruction set.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "base/cpu_features.h"
#include "devices/conformance/random_data.h"
#include "devices/cpu/cpu_device.h"
#include "kernel_tables.h"
#include "program/compile.h"
#include "program/executor.h"
#include "support/small_net.h"
#include "tensor/layout.h"

namespace yoke {
namespace {

using conformance::Bytes;
using conformance::Data;
using conformance::Random;

constexpr int32_t kContext = 640;
constexpr int32_t kSequences = 3;
constexpr int32_t kBlocks = kContext / kBlockPositions;

// The model on one device, with weights that depend on nothing but the seed.
class Model {
 public:
  Model(DType type, const CpuOptions& options)
      : net_(testing::SmallNet({.layers = 1, .heads = 6, .kv_heads = 2, .type = type, .up_type = type}).net),
        device_(make_cpu_device(options)) {
    PhasePlacement placement;
    placement.devices = {{"cpu", DeviceKind::kCpu}};
    placement.op_device.assign(net_.ops.size(), 0);
    Program program = compile(net_, placement,
                              {.rows = 280,
                               .wanted = 8,
                               .sequences = kSequences,
                               .blocks_per_sequence = kBlocks,
                               .rope_pairs = {32}});
    ExecutorParts parts;
    parts.devices = {device_.get()};
    Random random(7);
    for (const ProgramWeight& w : program.weights) parts.weights.push_back(weight(w, random));
    for (const ProgramCache& c : program.caches) parts.caches.push_back(cache(c));
    executor_ = std::make_unique<Executor>(std::move(program), parts);
  }

  std::vector<float> run(const StepInputs& step) {
    executor_->run(step);
    std::vector<float> logits;
    for (int32_t i = 0; i < step.wanted(); ++i) {
      const std::span<const float> row = executor_->logits(i);
      logits.insert(logits.end(), row.begin(), row.end());
    }
    return logits;
  }

 private:
  BoundWeight weight(const ProgramWeight& w, Random& random) {
    const NetWeight& source = net_.weights[index(w.source)];
    Buffer& buffer = allocate(w.bytes, BufferUse::kWeights);
    const Bytes stored = random.weight(source.type, source.rows, source.cols, Data::kNormal);
    if (w.layout == Layout::kPanel16) {
      pack_panels(source.type, source.rows, source.cols, stored.data(), 0,
                  (source.rows + kPanelRows - 1) / kPanelRows, buffer.host());
    } else {
      std::memcpy(buffer.host(), stored.data(), stored.size());
    }
    return {&buffer, 0, source.type, w.layout, source.rows, source.cols};
  }
  BoundCache cache(const ProgramCache& c) {
    const NetCache& source = net_.caches[index(c.source)];
    const int32_t blocks = kSequences * kBlocks;
    Buffer& buffer =
        allocate(kv_block_bytes(KvType::kF16, source.kv_heads, source.head_dim) * blocks, BufferUse::kCache);
    return {&buffer, 0, source.kv_heads, source.head_dim, KvType::kF16, blocks};
  }
  Buffer& allocate(uint64_t bytes, BufferUse use) {
    buffers_.push_back(device_->allocate(bytes, use));
    return *buffers_.back();
  }

  Net net_;
  std::unique_ptr<Device> device_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::unique_ptr<Executor> executor_;
};

struct Span {
  int32_t sequence;
  int32_t rows;
  int32_t position;
};

// Blocks are handed out backwards and interleaved; the last row of each span is wanted.
StepInputs step_of(const std::vector<Span>& spans) {
  StepInputs step;
  step.blocks_per_sequence = kBlocks;
  step.ropes.emplace_back();
  for (const Span& span : spans) {
    const auto sequence = static_cast<int32_t>(step.spans.size());
    step.spans.push_back({sequence, step.rows, span.rows, span.position});
    for (int32_t b = 0; b < kBlocks; ++b) {
      step.block_tables.push_back((kBlocks - 1 - b) * kSequences + span.sequence);
    }
    for (int32_t r = 0; r < span.rows; ++r) {
      const int32_t position = span.position + r;
      step.tokens.push_back((position * 31 + span.sequence * 7) % 320);
      step.positions.push_back(position);
      step.sequences.push_back(sequence);
      for (int32_t i = 0; i < 32; ++i) {
        const double angle = position * std::pow(10000.0, -i / 32.0);
        step.ropes[0].push_back(static_cast<float>(std::cos(angle)));
        step.ropes[0].push_back(static_cast<float>(std::sin(angle)));
      }
    }
    step.rows += span.rows;
    step.wanted_rows.push_back(step.rows - 1);
  }
  return step;
}

// Prompts in chunks that cross tiles, then decode rows beside another prompt, at short and long contexts.
std::vector<float> conversation(Model& model) {
  std::vector<float> all;
  const auto run = [&](const std::vector<Span>& spans) {
    const std::vector<float> logits = model.run(step_of(spans));
    all.insert(all.end(), logits.begin(), logits.end());
  };
  for (int32_t position = 0; position < 560; position += 280) run({{0, 280, position}});
  run({{1, 37, 0}});
  run({{0, 1, 560}, {1, 1, 37}, {2, 45, 0}});
  run({{0, 1, 561}});
  run({{1, 1, 38}});
  run({{0, 1, 562}, {1, 1, 39}, {2, 1, 45}});
  return all;
}

class StepInvariance : public ::testing::TestWithParam<DType> {};

TEST_P(StepInvariance, AnyNumberOfThreadsAndAnyInstructionSetGiveTheSameBits) {
  Model one(GetParam(), {.threads = 1});
  const std::vector<float> expected = conversation(one);
  ASSERT_FALSE(std::isnan(std::accumulate(expected.begin(), expected.end(), 0.0f)));
  for (const int threads : {2, 3, 5, 8}) {
    Model other(GetParam(), {.threads = threads});
    cpu::expect_same_bits(conversation(other), expected, std::to_string(threads) + " threads");
  }
  for (const std::string_view isa : isas_of(detect_cpu_features())) {
    Model other(GetParam(), {.threads = 2, .isa = std::string(isa)});
    cpu::expect_same_bits(conversation(other), expected, std::string(isa));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, StepInvariance, ::testing::Values(DType::kQ4_K, DType::kQ8_0),
                         [](const auto& type) { return std::string(traits(type.param).name); });

}  // namespace
}  // namespace yoke
