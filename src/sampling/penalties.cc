#include "sampling/penalties.h"

namespace yoke {

void Penalties::accept(int32_t token) {
  if (params_.off()) return;
  ++counts_[token];
  if (params_.window < 0) return;
  recent_.push_back(token);
  if (recent_.size() > static_cast<size_t>(params_.window)) {
    const auto oldest = counts_.find(recent_.front());
    if (--oldest->second == 0) counts_.erase(oldest);
    recent_.pop_front();
  }
}

void Penalties::apply(std::span<float> logits) const {
  // Each token on its own, so the map's order does not show.
  for (const auto& [token, uses] : counts_) {
    if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
    float& logit = logits[static_cast<size_t>(token)];
    logit = logit > 0 ? logit / params_.repeat : logit * params_.repeat;
    logit -= static_cast<float>(uses) * params_.frequency;
    logit -= params_.presence;
  }
}

}  // namespace yoke
