// A plan: where everything of a model goes on a machine, how many bytes that takes, and how fast it should
// be.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "placement/cost.h"
#include "placement/machine.h"
#include "placement/rules.h"
#include "program/net.h"
#include "program/placement_data.h"
#include "program/program.h"
#include "weights/weight_plan.h"

namespace yoke {

struct PlanRequest {
  const Net* net = nullptr;
  Machine machine;  // devices in use (chosen(), machine_of())
  GpuLayers gpu_layers;
  std::vector<std::string> place;  // --place rules
  uint64_t gpu_memory = 0;         // bound per GPU device; 0: what it has
  int64_t context = 4096;  // positions of one sequence; 0: the largest that fits, up to the trained length
  KvType kv = KvType::kF16;
  int32_t rows = 512;     // largest step
  int32_t wanted = 1;     // rows of it whose logits are wanted
  int32_t sequences = 1;  // at once, each with the whole context
};

struct PlanDevice {
  std::string name;
  DeviceKind kind = DeviceKind::kCpu;
  uint64_t weights_bytes = 0;
  uint64_t mapped_bytes = 0;  // of the weights: the file's own pages, not copied
  uint64_t cache_bytes = 0;
  uint64_t scratch_bytes = 0;
  uint64_t staging_bytes = 0;  // the Program's and what the device itself holds
  uint64_t limit_bytes = 0;    // what it may use; 0: not known

  uint64_t total_bytes() const { return weights_bytes + cache_bytes + scratch_bytes + staging_bytes; }
};

struct Plan {
  PhasePlacement placement;
  Program program;
  WeightPlan weights;               // for WeightStore::load
  std::vector<PlanDevice> devices;  // as in the request's machine
  int64_t context = 0;
  int32_t cache_blocks = 0;  // of the whole pool
  KvType kv = KvType::kF16;
  GpuLayers gpu_layers;                             // as decided: never auto
  std::vector<std::vector<int32_t>> layer_devices;  // [net.layers] where its ops run, ascending, no repeats
  int32_t head_device = 0;
  std::vector<std::string> not_bitwise;  // why results differ from the reference's; empty: they do not
  std::optional<Prediction> prediction;  // where the machine's bandwidths are known
  std::vector<std::string> notes;        // what the user should know: a GPU that `auto` left out, and why

  bool bitwise() const { return not_bitwise.empty(); }
};

// Everything is decided from exact sizes: each candidate is compiled. `auto` puts as many blocks on the GPUs
// as fit, GPU after GPU, and the head too if all fit; a context of 0 prefers length over blocks on the GPU.
// Throws kUsage for rules and options that cannot be followed, kDoesNotFit with the numbers and the nearest
// plan that fits.
Plan make_plan(const PlanRequest& request);

// The placement object of docs/cli.md.
nlohmann::ordered_json plan_json(const Plan& plan);

}  // namespace yoke
