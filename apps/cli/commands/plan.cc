// `yoke plan`: where everything would lie and run, without reading a weight.
#include "placement/plan.h"

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "command.h"
#include "model_options.h"
#include "program/compile.h"
#include "program/executor.h"
#include "size.h"

namespace yoke::cli {
namespace {

struct PlanArguments {
  ModelArguments model;
  std::string machine;
  int32_t sequences = 1;
  bool json = false, no_ops = false;
};

void print_devices(const Plan& plan) {
  std::printf("%-12s %12s %12s %12s %12s %12s\n", "device", "weights", "cache", "scratch", "staging",
              "total");
  for (const PlanDevice& d : plan.devices) {
    std::printf("%-12s %12s %12s %12s %12s %12s\n", d.name.c_str(), shown_size(d.weights_bytes).c_str(),
                shown_size(d.cache_bytes).c_str(), shown_size(d.scratch_bytes).c_str(),
                shown_size(d.staging_bytes).c_str(), shown_size(d.total_bytes()).c_str());
  }
}

void print_text(const PlannedModel& planned, bool ops) {
  const Plan& plan = planned.plan;
  print_devices(plan);
  std::printf("gpu layers: %s; context: %lld tokens; hand-offs a step: %d\n",
              to_text(plan.gpu_layers).c_str(), static_cast<long long>(plan.context), plan.program.handoffs);
  std::printf("bitwise: %s\n", plan.bitwise() ? "yes" : "no");
  for (const std::string& reason : plan.not_bitwise) std::printf("  %s\n", reason.c_str());
  if (plan.prediction)
    std::printf("predicted decode: at most %.1f tokens/s\n", plan.prediction->decode_tokens_per_s);
  for (const std::string& note : plan.notes) std::printf("note: %s\n", note.c_str());
  if (!ops) return;
  std::vector<std::vector<std::string>> kernels;
  std::printf("\n%s", listing(planned.net, plan.program, kernels).c_str());
}

int run(const PlanArguments& a) {
  ModelOptions options = a.model.parsed();
  options.sequences = a.sequences;
  const PlannedModel planned = plan_model(options, a.machine);
  if (a.json) {
    print_json(plan_json(planned.plan));
  } else {
    print_text(planned, !a.no_ops);
  }
  return 0;
}

}  // namespace

Runner declare_plan(CLI::App& app) {
  auto a = std::make_shared<PlanArguments>();
  add_model_options(app, a->model);
  app.add_option("--machine", a->machine,
                 "plan for the machine that this JSON file describes instead of this one");
  app.add_option("--parallel", a->sequences, "sequences at once")->check(CLI::Range(1, 65536));
  app.add_flag("--no-ops", a->no_ops, "leave out the listing of ops");
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace yoke::cli
