#include "results.h"

#include <xxhash.h>

#include <cstdio>

#include "placement/plan.h"

namespace yoke::cli {

std::string logits_hash(std::span<const float> logits) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(XXH64(logits.data(), logits.size_bytes(), 0)));
  return text;
}

Json placement_json(const Model& model) {
  Json placement = plan_json(model.plan());
  for (size_t d = 0; d < model.devices().size(); ++d)
    placement["devices"][d]["allocated_bytes"] = model.devices()[d]->allocated_bytes();
  return placement;
}

}  // namespace yoke::cli
