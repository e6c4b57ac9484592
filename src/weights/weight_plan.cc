#include "weights/weight_plan.h"

#include <map>
#include <tuple>

namespace yoke {

WeightPlan plan_weights(const Net& net, std::span<const Program* const> programs,
                        std::span<const WeightDevice> devices) {
  WeightPlan plan;
  plan.devices.resize(devices.size());
  // In order of the file's weights, so that loading reads the file from front to back.
  std::map<std::tuple<int32_t, int32_t, Layout>, uint64_t> copies;
  for (const Program* program : programs) {
    for (const ProgramWeight& w : program->weights) {
      copies[{index(w.source), w.device, w.layout}] = w.bytes;
    }
  }
  for (const auto& [key, bytes] : copies) {
    const auto& [source, device, layout] = key;
    const bool vector = net.weights[static_cast<size_t>(source)].vector;
    const bool mapped =
        is_host(devices[static_cast<size_t>(device)].kind) && layout == Layout::kStored && !vector;
    plan.weights.push_back({static_cast<WeightId>(source), device, layout, bytes, mapped, {}});
  }
  for (size_t d = 0; d < devices.size(); ++d) {
    std::vector<PlannedWeight*> copied;
    std::vector<uint64_t> pieces;
    for (PlannedWeight& w : plan.weights) {
      if (w.device != static_cast<int32_t>(d)) continue;
      if (w.mapped) {
        plan.devices[d].mapped_bytes += w.bytes;
      } else {
        copied.push_back(&w);
        pieces.push_back(w.bytes);
      }
    }
    const BufferPlan buffers = plan_buffers(pieces, devices[d].max_buffer_bytes);
    for (size_t i = 0; i < copied.size(); ++i) copied[i]->spot = buffers.spots[i];
    plan.devices[d].buffer_bytes = buffers.buffer_bytes;
  }
  return plan;
}

}  // namespace yoke
