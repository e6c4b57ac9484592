// `yoke bench`: prefill and decode, beside the machine's own limits measured in the same process.
#include "engine/bench.h"

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "command.h"
#include "devices/cpu/roofs.h"
#include "interrupt.h"
#include "load_model.h"
#include "model_options.h"
#include "progress.h"
#include "results.h"

namespace yoke::cli {
namespace {

struct BenchArguments {
  ModelArguments model;
  BenchOptions options;
  bool json = false;
};

BenchResult measured(Model& model, BenchOptions o) {
  Progress progress("measuring");
  o.progress = [&](int64_t done, int64_t total) {
    progress.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
  };
  return bench(model, o);
}

// The roofs are the CPU's: they say nothing where another device has weights.
bool all_on_cpu(const Model& model) {
  return std::ranges::all_of(model.devices(), [](const std::unique_ptr<Device>& d) {
    return d->info().kind == DeviceKind::kCpu || d->allocated_bytes(BufferUse::kWeights) == 0;
  });
}

// Prefill beside what the cores can compute, decode beside what the memory can deliver.
void print_phase(const BenchPhase& p, bool roofs, double roof_gb_s, double peak_gop_s) {
  std::printf("%-8s %5d rows, depth %5d: %9.1f tokens/s ", p.name.c_str(), p.rows, p.depth, p.median);
  if (!roofs) {
    std::printf("(products %.0f GOP/s, weights %.1f GB/s)\n", p.product_gop_per_s, p.weight_gb_per_s);
  } else if (p.name == "prefill") {
    std::printf("(products %.0f GOP/s, %.0f %% of the measured int8 peak of %.0f GOP/s)\n",
                p.product_gop_per_s, 100 * p.product_gop_per_s / peak_gop_s, peak_gop_s);
  } else {
    std::printf("(weights %.1f GB/s, %.0f %% of the measured %.1f GB/s)\n", p.weight_gb_per_s,
                100 * p.weight_gb_per_s / roof_gb_s, roof_gb_s);
  }
}

int run(const CLI::App& app, const BenchArguments& a) {
  ModelOptions options = a.model.parsed();
  BenchOptions o = a.options;
  if (app.count("--ctx") == 0) options.context = int64_t{o.depth} + std::max({o.prompt, o.generate, 1});
  options.sequences = o.batch;
  InterruptGuard guard;
  const std::unique_ptr<Model> model = load_model(
      options, [&](const PlannedModel& planned, const Tokenizer&) { check_bench(o, planned.plan.context); });
  // Before and after: the bandwidth of virtual machines wanders.
  const RoofOptions roof_options{.threads = options.threads, .isa = options.isa};
  const CpuRoofs before = measure_cpu_roofs(roof_options);
  const BenchResult result = measured(*model, o);
  const CpuRoofs after = measure_cpu_roofs(roof_options);
  const double roof = std::max(before.read_gb_s, after.read_gb_s);
  const double peak = std::max(before.int8_gop_s, after.int8_gop_s);
  const std::string cpu =
      before.brand + " family " + std::to_string(before.family) + " model " + std::to_string(before.model);

  Json phases = Json::array();
  for (const BenchPhase& p : result.phases) {
    phases.push_back({{"name", p.name},
                      {"rows", p.rows},
                      {"depth", p.depth},
                      {"batch", p.batch},
                      {"tokens_per_s", p.tokens_per_s},
                      {"median", p.median},
                      {"weight_gb_per_s", p.weight_gb_per_s},
                      {"read_bandwidth_gb_per_s", roof},
                      {"share", p.weight_gb_per_s / roof},
                      {"product_gop_per_s", p.product_gop_per_s},
                      {"share_of_int8_peak", p.product_gop_per_s / peak}});
    if (!a.json) print_phase(p, all_on_cpu(*model), roof, peak);
  }
  if (a.json) {
    print_json({{"phases", phases},
                {"logits_hash", logits_hash(result.last_logits)},
                {"placement", placement_json(*model)},
                {"cpu", {{"model", cpu}, {"isa", before.isa}, {"int8_gops", peak}}}});
  } else {
    std::printf("logits %s; %s, %s, int8 peak %.0f GOP/s\n", logits_hash(result.last_logits).c_str(),
                cpu.c_str(), before.isa.c_str(), peak);
  }
  return 0;
}

}  // namespace

Runner declare_bench(CLI::App& app) {
  auto a = std::make_shared<BenchArguments>();
  BenchOptions& o = a->options;
  const auto add = [&](const char* name, int32_t& to, int32_t least, int32_t most, const char* what) {
    app.add_option(name, to, what)->type_name("N")->check(CLI::Range(least, most))->capture_default_str();
  };
  add("--prompt", o.prompt, 0, 1 << 24, "tokens of each prompt; 0: no prefill");
  add("--gen", o.generate, 0, 1 << 24, "tokens generated; 0: no decode");
  add("--depth", o.depth, 0, 1 << 24, "positions already in the cache");
  add("--batch", o.batch, 1, 4096, "sequences at once; tokens/s is their total");
  add("--repeat", o.repeat, 1, 1000, "runs; the median is told");
  add_json(app, a->json);
  add_model_options(app, a->model, "what --depth, --prompt and --gen need");
  return [a, &app] { return run(app, *a); };
}

}  // namespace yoke::cli
