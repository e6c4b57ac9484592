// A model ready to run: file, tokenizer, plan, devices, weights, caches and the compiled Program in one
// object.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cache/block_pool.h"
#include "cache/kv_storage.h"
#include "engine/step_runner.h"
#include "gguf/gguf_file.h"
#include "placement/plan.h"
#include "program/executor.h"
#include "text/tokenizer.h"
#include "weights/weight_store.h"

namespace yoke {

inline constexpr int64_t kUsualContext = 4096;

struct ModelOptions {
  std::string path;
  // Positions of one sequence; 0: the largest that fits, up to the trained length; -1: kUsualContext, or the
  // trained length where that is shorter.
  int64_t context = -1;
  int32_t threads = 0;  // 0: physical cores within affinity and cgroup limits
  std::string isa;      // empty: the best
  std::string devices;  // "vulkan:0,cpu"; empty: every real GPU, then the CPU
  std::string gpu_layers = "auto";
  std::vector<std::string> place;  // "REGEX=DEVICE"
  uint64_t gpu_memory = 0;         // bound per GPU device; 0: what it has free
  uint64_t cpu_memory = 0;         // bound of the CPU; 0: what is available
  int32_t chunk = 512;             // prompt rows a step
  KvType kv = KvType::kF16;
  int32_t sequences = 1;    // at once
  bool all_logits = false;  // logits of every row of a step, not of one row a sequence
  std::function<void(uint64_t done, uint64_t total)> progress;  // of loading, bytes
};

// What `yoke plan` shows, without reading a weight.
struct PlannedModel {
  std::unique_ptr<GgufFile> file;
  Net net;
  std::vector<std::unique_ptr<Device>> devices;  // opened, in the plan's order; empty for a described machine
  Plan plan;
};
// machine_file: plan for a described machine instead of this one; empty: this one.
PlannedModel plan_model(const ModelOptions& options, const std::string& machine_file = {});

// The file's own tokenizer, checked against the Net. Throws kBadFile.
Tokenizer load_tokenizer(const PlannedModel& planned);

class Model : public StepRunner {
 public:
  ~Model() override;
  // Throws kBadFile, kUsage, kDoesNotFit; nothing is left behind.
  static std::unique_ptr<Model> load(const ModelOptions& options);
  // What plan_model() planned for the same options.
  static std::unique_ptr<Model> load(PlannedModel planned, Tokenizer tokenizer, const ModelOptions& options);

  void run(std::span<const StepItem> items) override;
  std::span<const float> logits(int32_t i) const override { return executor_->logits(i); }
  const StepLimits& limits() const override { return executor_->program().limits; }
  BlockPool& pool() override { return pool_; }

  const Tokenizer& tokenizer() const { return tokenizer_; }
  const Net& net() const { return planned_.net; }
  const Plan& plan() const { return planned_.plan; }
  const GgufFile& file() const { return *planned_.file; }
  const Executor& executor() const { return *executor_; }
  std::span<const std::unique_ptr<Device>> devices() const { return planned_.devices; }
  int64_t context() const { return planned_.plan.context; }

 private:
  Model(PlannedModel planned, Tokenizer tokenizer, const ModelOptions& options);

  PlannedModel planned_;
  Tokenizer tokenizer_;
  BlockPool pool_;
  std::unique_ptr<WeightStore> weights_;
  std::unique_ptr<KvStorage> caches_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<StepBuilder> builder_;
};

}  // namespace yoke
