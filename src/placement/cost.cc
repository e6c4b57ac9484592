#include "placement/cost.h"

#include <set>

namespace yoke {
namespace {

// Where a described machine names no link: a submit and a wait, and one PCIe 3.0 x16 direction.
constexpr double kUsualLatencyUs = 30;
constexpr double kUsualBandwidth = 12;

const MachineLink* link_of(const Machine& machine, int32_t device) {
  const std::string& name = machine.devices[static_cast<size_t>(device)].name;
  for (const MachineLink& link : machine.links) {
    if (link.from == name || link.to == name) return &link;
  }
  return nullptr;
}

double bytes_read(const Net& net, const Program& program, const Segment& segment, KvType kv, int64_t depth) {
  std::set<int32_t> weights;
  double bytes = 0;
  for (const ProgramOp& p : segment.ops) {
    if (std::holds_alternative<Embed>(p.op)) continue;  // one row
    for_each_weight(p.op, [&](const WeightId& id) { weights.insert(index(id)); });
    if (const CacheId cache = cache_read(p.op); cache != CacheId::kNone) {
      const NetCache& shape =
          net.caches[static_cast<size_t>(index(program.caches[static_cast<size_t>(index(cache))].source))];
      bytes += static_cast<double>(kv_block_bytes(kv, shape.kv_heads, shape.head_dim)) / kBlockPositions *
               static_cast<double>(depth);
    }
  }
  for (const int32_t w : weights) bytes += static_cast<double>(program.weights[static_cast<size_t>(w)].bytes);
  return bytes;
}

}  // namespace

std::optional<Prediction> predict_decode(const Net& net, const Program& program, const Machine& machine,
                                         KvType kv, int64_t depth) {
  Prediction result;
  result.device_ms.assign(machine.devices.size(), 0);
  for (const Segment& segment : program.segments) {
    const MachineDevice& device = machine.devices[static_cast<size_t>(segment.device)];
    const double bytes = bytes_read(net, program, segment, kv, depth);
    if (bytes > 0 && device.bandwidth_gb_s <= 0) return std::nullopt;
    if (bytes > 0)
      result.device_ms[static_cast<size_t>(segment.device)] += bytes / device.bandwidth_gb_s * 1e-6;
    for (const int32_t from : segment.waits) {
      // The link of whichever side is no host.
      const int32_t other = program.segments[static_cast<size_t>(from)].device;
      const MachineLink* link = link_of(machine, is_host(device.kind) ? other : segment.device);
      result.handoff_ms += (link && link->latency_us > 0 ? link->latency_us : kUsualLatencyUs) * 1e-3;
    }
  }
  for (const ProgramValue& value : program.values) {
    if (value.memory != MemoryKind::kStaging) continue;
    const MachineLink* link = link_of(machine, value.device);
    const double bandwidth = link && link->bandwidth_gb_s > 0 ? link->bandwidth_gb_s : kUsualBandwidth;
    result.handoff_ms += static_cast<double>(value.row_bytes) / bandwidth * 1e-6;
  }
  double ms = result.handoff_ms;
  for (const double d : result.device_ms) ms += d;
  if (ms > 0) result.decode_tokens_per_s = 1000 / ms;
  return result;
}

}  // namespace yoke
