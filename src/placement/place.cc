#include "placement/place.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/error.h"

namespace yoke {
namespace {

constexpr int32_t kFree = -1;

class Placer {
 public:
  Placer(const Net& net, const Machine& machine, const PlaceOptions& options)
      : net_(net), machine_(machine), options_(options), device_(net.ops.size(), kFree) {
    writer_.assign(net.values.size(), -1);
    readers_.resize(net.values.size());
    for (size_t i = 0; i < net.ops.size(); ++i) {
      for_each_write(net.ops[i].op, [&](const ValueId& id) { writer_[at(id)] = static_cast<int32_t>(i); });
      for_each_read(net.ops[i].op,
                    [&](const ValueId& id) { readers_[at(id)].push_back(static_cast<int32_t>(i)); });
    }
  }

  PhasePlacement run() {
    place_weights_ops();
    place_caches();
    place_rest();
    PhasePlacement result;
    for (const MachineDevice& d : machine_.devices) result.devices.push_back({d.name, d.kind});
    result.op_device = device_;
    result.weight_device = weight_device();
    return result;
  }

 private:
  template <class Id>
  static size_t at(Id id) {
    return static_cast<size_t>(index(id));
  }

  int32_t host() const {
    for (size_t d = 0; d < machine_.devices.size(); ++d) {
      if (is_host(machine_.devices[d].kind)) return static_cast<int32_t>(d);
    }
    fail(ErrorKind::kUsage, "placing a model", "no CPU is among the devices");
  }

  // Where an op's weights go without a rule.
  int32_t usual(size_t op) const {
    const int32_t layer = net_.ops[op].layer;
    return layer >= 0 ? options_.layer_device[static_cast<size_t>(layer)] : options_.head_device;
  }
  int32_t of_weight(WeightId id, size_t op) const {
    const int32_t rule = options_.rule_device[at(id)];
    return rule >= 0 ? rule : usual(op);
  }

  void place_weights_ops() {
    for (size_t i = 0; i < net_.ops.size(); ++i) {
      const Op& op = net_.ops[i].op;
      if (std::holds_alternative<Embed>(op)) {
        device_[i] = host();
      } else if (const auto* linear = std::get_if<Linear>(&op)) {
        device_[i] = of_weight(linear->weight, i);
      } else if (const auto* gated = std::get_if<GatedLinear>(&op)) {
        device_[i] = of_weight(gated->gate, i);
      } else {
        for_each_weight(op, [&](const WeightId& id) { device_[i] = options_.rule_device[at(id)]; });
      }
    }
  }

  // The nearest products that an op's inputs come from.
  void find_products(size_t op, std::vector<size_t>& found) const {
    for_each_read(net_.ops[op].op, [&](const ValueId& id) {
      if (writer_[at(id)] < 0) return;
      const auto from = static_cast<size_t>(writer_[at(id)]);
      if (std::holds_alternative<HeadNormRope>(net_.ops[from].op)) {
        find_products(from, found);
      } else {
        found.push_back(from);
      }
    });
  }

  int32_t rule_of(size_t op) const {
    const auto* linear = std::get_if<Linear>(&net_.ops[op].op);
    return linear ? options_.rule_device[at(linear->weight)] : kFree;
  }

  // Each cache has one device: that of every op that writes or reads it.
  void place_caches() {
    for (size_t c = 0; c < net_.caches.size(); ++c) {
      const auto id = static_cast<CacheId>(c);
      int32_t ruled = kFree, output = kFree;
      for (size_t i = 0; i < net_.ops.size(); ++i) {
        const NetOp& net_op = net_.ops[i];
        if (cache_written(net_op.op) == id && ruled == kFree) {
          std::vector<size_t> products;
          find_products(i, products);
          for (const size_t p : products) ruled = ruled == kFree ? rule_of(p) : ruled;
        }
        if (cache_read(net_op.op) == id && output == kFree) output = device_of_readers(i);
      }
      for (size_t i = 0; i < net_.ops.size(); ++i) {
        const Op& op = net_.ops[i].op;
        if (cache_written(op) != id && cache_read(op) != id) continue;
        device_[i] = ruled != kFree ? ruled : output != kFree ? output : usual(i);
        place_rotations(i);
      }
    }
  }

  // Of the first op that reads what this one writes and has a place.
  int32_t device_of_readers(size_t op) const {
    int32_t device = kFree;
    for_each_write(net_.ops[op].op, [&](const ValueId& out) {
      for (const int32_t reader : readers_[at(out)]) {
        if (device == kFree) device = device_[static_cast<size_t>(reader)];
      }
    });
    return device;
  }

  void place_rotations(size_t attention) {
    for_each_read(net_.ops[attention].op, [&](const ValueId& id) {
      if (writer_[at(id)] < 0) return;
      const auto from = static_cast<size_t>(writer_[at(id)]);
      const bool rotation = std::holds_alternative<HeadNormRope>(net_.ops[from].op);
      if (rotation && device_[from] == kFree) device_[from] = device_[attention];
    });
  }

  // Ops that may run anywhere start where their result is read, last one first, then move while that saves a
  // transfer.
  void place_rest() {
    std::vector<size_t> movable;
    for (size_t i = net_.ops.size(); i-- > 0;) {
      if (device_[i] != kFree) continue;
      const int32_t device = device_of_readers(i);
      device_[i] = device != kFree ? device : usual(i);
      movable.push_back(i);
    }
    for (bool moved = true; moved;) {
      moved = false;
      for (const size_t i : movable) moved |= improve(i);
    }
  }

  bool improve(size_t op) {
    const int32_t before = device_[op];
    int32_t best = before;
    double least = cost_around(op);
    for (size_t d = 0; d < machine_.devices.size(); ++d) {
      device_[op] = static_cast<int32_t>(d);
      const double cost = cost_around(op);
      if (cost < least) {
        least = cost;
        best = static_cast<int32_t>(d);
      }
    }
    device_[op] = best;
    return best != before;
  }

  // Transfers of the values the op touches: a value goes once to each device that reads it. Among equal
  // numbers of transfers the smaller value is sent: wanted rows rather than all rows.
  double cost_around(size_t op) const {
    double cost = 0;
    const auto add = [&](const ValueId& id) {
      const int32_t writer = writer_[at(id)];
      if (writer < 0) return;
      std::set<int32_t> targets;
      for (const int32_t reader : readers_[at(id)]) {
        for (const int32_t d : read_on(static_cast<size_t>(reader))) targets.insert(d);
      }
      targets.erase(device_[static_cast<size_t>(writer)]);
      targets.erase(kFree);
      const double weight = net_.values[at(id)].rows == RowKind::kRows ? 1.0 : 0.99;
      cost += weight * static_cast<double>(targets.size());
    };
    for_each_read(net_.ops[op].op, add);
    for_each_write(net_.ops[op].op, add);
    return cost;
  }

  // A gated product whose two matrices lie apart reads its input on both devices.
  std::vector<int32_t> read_on(size_t op) const {
    const auto* gated = std::get_if<GatedLinear>(&net_.ops[op].op);
    if (!gated) return {device_[op]};
    return {of_weight(gated->gate, op), of_weight(gated->up, op)};
  }

  std::vector<int32_t> weight_device() const {
    std::vector<int32_t> result(net_.weights.size(), host());
    for (size_t i = 0; i < net_.ops.size(); ++i) {
      const Op& op = net_.ops[i].op;
      if (std::holds_alternative<Embed>(op)) continue;
      for_each_weight(op, [&](const WeightId& id) { result[at(id)] = device_[i]; });
      if (const auto* gated = std::get_if<GatedLinear>(&op)) {
        result[at(gated->gate)] = of_weight(gated->gate, i);
        result[at(gated->up)] = of_weight(gated->up, i);
      }
    }
    return result;
  }

  const Net& net_;
  const Machine& machine_;
  const PlaceOptions& options_;
  std::vector<int32_t> device_;                // [net.ops]
  std::vector<int32_t> writer_;                // [net.values] op, or -1
  std::vector<std::vector<int32_t>> readers_;  // [net.values] ops
};

}  // namespace

PhasePlacement place(const Net& net, const Machine& machine, const PlaceOptions& options) {
  return Placer(net, machine, options).run();
}

}  // namespace yoke
