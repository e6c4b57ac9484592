// `yoke plan`: where everything would lie and run, without reading a weight.
#include "placement/plan.h"

#include <cstdio>
#include <memory>

#include "base/error.h"
#include "command.h"
#include "engine/plan_kernels.h"
#include "model_options.h"
#include "program/compile.h"
#include "size.h"

namespace yoke::cli {
namespace {

using Kernels = std::vector<std::vector<std::string>>;  // [segments][ops]

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

std::string names(const Plan& plan, const std::vector<int32_t>& devices) {
  std::string text;
  for (const int32_t d : devices)
    text += (text.empty() ? "" : " and ") + plan.devices[static_cast<size_t>(d)].name;
  return text;
}

// "blocks 0 to 14 on vulkan:0"
void print_layers(const Plan& plan) {
  const auto& layers = plan.layer_devices;
  for (size_t first = 0; first < layers.size();) {
    size_t end = first;
    while (end < layers.size() && layers[end] == layers[first]) ++end;
    const std::string range = end - first == 1
                                  ? "block " + std::to_string(first)
                                  : "blocks " + std::to_string(first) + " to " + std::to_string(end - 1);
    std::printf("%s on %s\n", range.c_str(), names(plan, layers[first]).c_str());
    first = end;
  }
  std::printf("head on %s\n", names(plan, {plan.head_device}).c_str());
}

void print_text(const PlannedModel& planned, const Kernels& kernels, bool ops) {
  const Plan& plan = planned.plan;
  print_layers(plan);
  std::printf("context of %lld tokens, %s cache; %d hand-offs a step\n\n",
              static_cast<long long>(plan.context), std::string(name(plan.kv)).c_str(),
              plan.program.handoffs);
  print_devices(plan);
  std::printf("\nbitwise: %s\n", plan.bitwise() ? "yes" : "no");
  for (const std::string& reason : plan.not_bitwise) std::printf("  %s\n", reason.c_str());
  if (plan.prediction)
    std::printf("predicted decode: at most %.1f tokens/s\n", plan.prediction->decode_tokens_per_s);
  for (const std::string& note : plan.notes) std::printf("note: %s\n", note.c_str());
  if (ops) std::printf("\n%s", listing(planned.net, plan.program, kernels).c_str());
}

// How many ops each kernel of each device runs in a step.
Json kernels_json(const Plan& plan, const Kernels& kernels) {
  Json counts = Json::object();
  for (size_t s = 0; s < kernels.size(); ++s) {
    const std::string& device = plan.devices[static_cast<size_t>(plan.program.segments[s].device)].name;
    Json& of_device = counts.emplace(device, Json::object()).first.value();
    for (const std::string& kernel : kernels[s]) of_device[kernel] = of_device.value(kernel, 0) + 1;
  }
  return counts;
}

int run(const PlanArguments& a) {
  ModelOptions options = a.model.parsed();
  options.sequences = a.sequences;
  const PlannedModel planned = plan_model(options, a.machine);
  const Kernels kernels = a.no_ops ? Kernels{} : plan_kernels(planned);
  if (a.json) {
    Json document = plan_json(planned.plan);
    if (!kernels.empty()) document["kernels"] = kernels_json(planned.plan, kernels);
    print_json(document);
  } else {
    print_text(planned, kernels, !a.no_ops);
  }
  return 0;
}

}  // namespace

Runner declare_plan(CLI::App& app) {
  auto a = std::make_shared<PlanArguments>();
  app.add_option("--machine", a->machine,
                 "plan for the machine that this JSON file describes instead of this one")
      ->type_name("FILE");
  app.add_option("--parallel", a->sequences, "sequences at once")
      ->type_name("N")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  app.add_flag("--no-ops", a->no_ops, "leave out the ops and their kernels");
  add_json(app, a->json);
  add_model_options(app, a->model);
  return [a] { return run(*a); };
}

}  // namespace yoke::cli
