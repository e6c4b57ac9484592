#include <nlohmann/json.hpp>

#include "placement/plan.h"

namespace yoke {

nlohmann::ordered_json plan_json(const Plan& plan) {
  using Json = nlohmann::ordered_json;
  const auto name = [&](int32_t device) { return plan.devices[static_cast<size_t>(device)].name; };
  Json layers = Json::array();
  for (const auto& devices : plan.layer_devices) {
    Json names = Json::array();
    for (const int32_t d : devices) names.push_back(name(d));
    layers.push_back(names.size() == 1 ? names.front() : names);
  }
  Json devices = Json::array();
  for (const PlanDevice& d : plan.devices) {
    devices.push_back({{"name", d.name},
                       {"weights_bytes", d.weights_bytes},
                       {"cache_bytes", d.cache_bytes},
                       {"scratch_bytes", d.scratch_bytes},
                       {"staging_bytes", d.staging_bytes},
                       {"total_bytes", d.total_bytes()}});
  }
  Json json = {{"layers", layers},          {"head", name(plan.head_device)},
               {"bitwise", plan.bitwise()}, {"handoffs_per_step", plan.program.handoffs},
               {"devices", devices},        {"gpu_layers", to_text(plan.gpu_layers)},
               {"context", plan.context}};
  if (!plan.bitwise()) json["not_bitwise"] = plan.not_bitwise;
  if (plan.prediction) json["predicted_decode_tokens_per_s"] = plan.prediction->decode_tokens_per_s;
  if (!plan.notes.empty()) json["notes"] = plan.notes;
  return json;
}

}  // namespace yoke
