#include "engine/step_builder.h"

#include <cmath>

#include "base/error.h"

namespace yoke {

StepBuilder::StepBuilder(const Net& net, const StepLimits& limits) : ropes_(net.ropes), limits_(limits) {}

const StepInputs& StepBuilder::build(std::span<const StepItem> items) {
  inputs_.rows = 0;
  inputs_.tokens.clear();
  inputs_.positions.clear();
  inputs_.sequences.clear();
  inputs_.spans.clear();
  inputs_.wanted_rows.clear();
  inputs_.ropes.resize(ropes_.size());
  for (std::vector<float>& rope : inputs_.ropes) rope.clear();
  if (items.size() > static_cast<size_t>(limits_.sequences))
    fail(ErrorKind::kRuntime, "building a step", std::to_string(items.size()) + " sequences are too many");
  inputs_.blocks_per_sequence = limits_.blocks_per_sequence;
  inputs_.block_tables.resize(items.size() * static_cast<size_t>(limits_.blocks_per_sequence));
  for (size_t s = 0; s < items.size(); ++s) {
    const StepItem& item = items[s];
    const auto sequence = static_cast<int32_t>(s);
    item.blocks->write_row(std::span(inputs_.block_tables)
                               .subspan(s * limits_.blocks_per_sequence, limits_.blocks_per_sequence));
    inputs_.spans.push_back({.sequence = sequence,
                             .first_row = inputs_.rows,
                             .rows = static_cast<int32_t>(item.tokens.size()),
                             .first_position = item.first_position});
    for (size_t t = 0; t < item.tokens.size(); ++t) add_row(item, t, sequence);
  }
  return inputs_;
}

void StepBuilder::add_row(const StepItem& item, size_t token, int32_t sequence) {
  const int32_t position = item.first_position + static_cast<int32_t>(token);
  inputs_.tokens.push_back(item.tokens[token]);
  inputs_.positions.push_back(position);
  inputs_.sequences.push_back(sequence);
  const bool last = token + 1 == item.tokens.size();
  if (item.want == WantLogits::kAll || (item.want == WantLogits::kLast && last))
    inputs_.wanted_rows.push_back(inputs_.rows);
  for (size_t r = 0; r < ropes_.size(); ++r) {
    for (const double frequency : ropes_[r].inverse_frequency) {
      const double angle = position * frequency;
      inputs_.ropes[r].push_back(static_cast<float>(std::cos(angle) * ropes_[r].magnitude));
      inputs_.ropes[r].push_back(static_cast<float>(std::sin(angle) * ropes_[r].magnitude));
    }
  }
  ++inputs_.rows;
}

}  // namespace yoke
