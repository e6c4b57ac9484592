// A small decoder with random weights, its layers on the devices a test names, run step after step.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "devices/conformance/random_data.h"
#include "program/compile.h"
#include "program/executor.h"
#include "support/small_net.h"
#include "tensor/layout.h"

namespace yoke::testing {

struct PlacedOn {
  Device* device = nullptr;
  int32_t layers = 0;  // the next ones of the model
};

class SmallModel {
 public:
  struct Options {
    SmallNetShape shape{};
    KvType kv = KvType::kF16;
    bool barriers = true;  // false: without any, to show that they matter
  };

  // Layers go to `places` in order, the rest, Embed and the head to the host.
  SmallModel(const Options& options, const std::vector<PlacedOn>& places, Device& host)
      : options_(options), net_(SmallNet(options.shape).net) {
    PhasePlacement placement;
    int32_t first = 0;
    std::vector<int32_t> device_of_layer(static_cast<size_t>(net_.layers),
                                         static_cast<int32_t>(places.size()));
    for (size_t i = 0; i < places.size(); ++i) {
      placement.devices.push_back({"vulkan:" + std::to_string(i), DeviceKind::kVulkan});
      parts_.devices.push_back(places[i].device);
      std::fill_n(device_of_layer.begin() + first, places[i].layers, static_cast<int32_t>(i));
      first += places[i].layers;
    }
    placement.devices.push_back({"reference", DeviceKind::kReference});
    parts_.devices.push_back(&host);
    for (const NetOp& op : net_.ops) {
      placement.op_device.push_back(op.layer < 0 ? static_cast<int32_t>(places.size())
                                                 : device_of_layer[static_cast<size_t>(op.layer)]);
    }
    program_ = yoke::compile(net_, placement, limits());
    if (!options_.barriers) {
      for (Segment& s : program_.segments) {
        for (ProgramOp& op : s.ops) op.barrier = false;
      }
    }
    load_weights();
    reserve_caches();
  }

  static StepLimits limits() {
    return {.rows = 48, .wanted = 4, .sequences = 3, .blocks_per_sequence = 12, .rope_pairs = {32}};
  }
  const Program& program() const { return program_; }

  // The logits of every wanted row of every step; a new executor each time, the caches go on.
  std::vector<float> run(const std::vector<StepInputs>& steps) {
    Executor executor(program_, parts_);
    std::vector<float> all;
    for (const StepInputs& step : steps) {
      executor.run(step);
      for (int32_t i = 0; i < step.wanted(); ++i) {
        const auto logits = executor.logits(i);
        all.insert(all.end(), logits.begin(), logits.end());
      }
    }
    return all;
  }
  Executor executor() { return Executor(program_, parts_); }
  const ExecutorParts& parts() const { return parts_; }

  // Prompts of two sequences, then both generate while a third prompt comes in; shuffled blocks.
  static std::vector<StepInputs> steps() {
    std::vector<StepInputs> all;
    all.push_back(step({{0, 0, 40}}));
    all.push_back(step({{1, 0, 33}, {0, 40, 7}}));
    all.push_back(step({{0, 47, 1}}));
    all.push_back(step({{0, 48, 1}, {1, 33, 1}, {2, 0, 17}}));
    all.push_back(step({{0, 49, 2}, {1, 34, 1}}));
    return all;
  }

  struct Rows {
    int32_t sequence, position, rows;
  };
  // The last row of each span is wanted.
  static StepInputs step(const std::vector<Rows>& spans) {
    StepInputs in;
    std::vector<int32_t> blocks(36);
    for (int32_t i = 0; i < 36; ++i) blocks[static_cast<size_t>(i)] = i;
    std::shuffle(blocks.begin(), blocks.end(), std::mt19937(7));
    in.block_tables = blocks;
    in.blocks_per_sequence = 12;
    in.ropes.emplace_back();
    for (const Rows& span : spans) {
      in.spans.push_back({span.sequence, in.rows, span.rows, span.position});
      for (int32_t i = 0; i < span.rows; ++i) {
        const int32_t position = span.position + i;
        in.tokens.push_back((position * 37 + span.sequence * 11) % 320);
        in.positions.push_back(position);
        in.sequences.push_back(span.sequence);
        for (int32_t pair = 0; pair < 32; ++pair) {
          const double angle = position / (1.0 + pair);
          in.ropes[0].push_back(static_cast<float>(std::cos(angle)));
          in.ropes[0].push_back(static_cast<float>(std::sin(angle)));
        }
      }
      in.rows += span.rows;
      in.wanted_rows.push_back(in.rows - 1);
    }
    return in;
  }

 private:
  Device& device(int32_t i) { return *parts_.devices[static_cast<size_t>(i)]; }

  void load_weights() {
    std::vector<conformance::Bytes> stored;
    conformance::Random random(5);
    for (const NetWeight& w : net_.weights) {
      if (w.vector) {
        const std::vector<float> ones(static_cast<size_t>(w.cols), 1.0f);
        const auto* bytes = reinterpret_cast<const std::byte*>(ones.data());
        stored.emplace_back(bytes, bytes + 4 * ones.size());
      } else {
        stored.push_back(random.weight(w.type, w.rows, w.cols, conformance::Data::kNormal));
      }
    }
    for (const ProgramWeight& w : program_.weights) {
      const NetWeight& from = net_.weights[static_cast<size_t>(index(w.source))];
      conformance::Bytes bytes = stored[static_cast<size_t>(index(w.source))];
      if (w.layout == Layout::kPanel16) {
        bytes.resize(layout_bytes(from.type, w.layout, from.rows, from.cols));
        pack_panels(from.type, from.rows, from.cols, stored[static_cast<size_t>(index(w.source))].data(), 0,
                    (from.rows + kPanelRows - 1) / kPanelRows, bytes.data());
      }
      buffers_.push_back(device(w.device).allocate(bytes.size(), BufferUse::kWeights));
      device(w.device).write(*buffers_.back(), 0, bytes);
      parts_.weights.push_back({.buffer = buffers_.back().get(),
                                .type = from.type,
                                .layout = w.layout,
                                .rows = from.rows,
                                .cols = from.cols});
    }
  }

  void reserve_caches() {
    constexpr int32_t kBlocks = 36;
    for (const ProgramCache& c : program_.caches) {
      const NetCache& from = net_.caches[static_cast<size_t>(index(c.source))];
      const uint64_t bytes = kv_block_bytes(options_.kv, from.kv_heads, from.head_dim) * kBlocks;
      buffers_.push_back(device(c.device).allocate(bytes, BufferUse::kCache));
      parts_.caches.push_back({.buffer = buffers_.back().get(),
                               .kv_heads = from.kv_heads,
                               .head_dim = from.head_dim,
                               .type = options_.kv,
                               .blocks = kBlocks});
    }
  }

  Options options_;
  Net net_;
  Program program_;
  ExecutorParts parts_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

}  // namespace yoke::testing
