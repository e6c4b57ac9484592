// Sizes of candidate placements, exact to the byte, and what fits where.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "placement/plan.h"

namespace yoke {

// Consecutive ranges of blocks: blocks[0] on device 0, then blocks[1] on device 1 ...; the rest on the first
// host.
struct Division {
  std::vector<int32_t> blocks;  // [devices], 0 for hosts
  bool head = false;            // output norm and head on the last GPU that has blocks
  auto operator<=>(const Division&) const = default;

  int32_t gpu_blocks() const;
};

// A compiled candidate. Only the caches depend on the context.
struct Candidate {
  PhasePlacement placement;
  Program program;
  WeightPlan weights;
};

// What does not fit: "vulkan:0 needs 5120.0 MiB (weights 4000.0, cache ...) and may use 4096.0 MiB".
struct Shortage {
  std::string text;
};

class Fitter {
 public:
  // rule_device: apply_rules(). Both outlive the fitter.
  Fitter(const PlanRequest& request, const std::vector<int32_t>& rule_device);

  const Candidate& candidate(const Division& division);
  std::vector<PlanDevice> sizes(const Candidate& candidate, int64_t context) const;
  // None: it fits. only_gpu: that GPU's memory alone is asked about; -1: everything, the host's too.
  std::optional<Shortage> shortage(const Division& division, int64_t context, int32_t only_gpu = -1);

  // Devices that may take blocks, in order.
  const std::vector<int32_t>& gpus() const { return gpus_; }
  void leave_out(int32_t gpu) { std::erase(gpus_, gpu); }
  Division none() const { return {std::vector<int32_t>(request_.machine.devices.size(), 0), false}; }

  // As many of the first `most` blocks as fit, GPU after GPU.
  Division filled(int32_t most, int64_t context);
  // Exactly `count` blocks, in proportion to what each GPU could take alone.
  Division proportional(int32_t count, bool head, int64_t context);

 private:
  uint64_t limit(size_t device) const;
  uint64_t step_bytes(const Candidate& candidate, int32_t device, int64_t context) const;
  // What the device must hold in one buffer.
  uint64_t largest_piece(const Candidate& candidate, size_t device, int64_t context) const;
  std::optional<Shortage> shared_shortage(const std::vector<PlanDevice>& devices, bool with_host) const;
  // The most blocks that fit on one GPU behind what is placed already.
  int32_t most_on(Division division, int32_t gpu, int32_t most, int64_t context);

  const PlanRequest& request_;
  const std::vector<int32_t>& rule_device_;
  std::vector<int32_t> gpus_;
  std::map<Division, std::unique_ptr<Candidate>> candidates_;
};

// Positions to blocks of the whole pool.
int64_t pool_blocks(const PlanRequest& request, int64_t context);

}  // namespace yoke
