#include "program/lower.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/error.h"

namespace yoke {
namespace {

// In what form, and where, an op wants a value.
struct Want {
  int32_t device = 0;
  ActFormat format = ActFormat::kF32;
  auto operator<=>(const Want&) const = default;
};

class Lowering {
 public:
  Lowering(const Net& net, const PhasePlacement& placement, const StepLimits& limits)
      : net_(net), placement_(placement), home_(net.values.size()), wants_(net.values.size()) {
    program_.limits = limits;
    for (const PlacedDevice& device : placement.devices)
      program_.devices.push_back({.name = device.name, .host = is_host(device.kind)});
    program_.caches.resize(net.caches.size());
    for (size_t i = 0; i < net.caches.size(); ++i) program_.caches[i].source = static_cast<CacheId>(i);
    const auto host = std::ranges::find_if(placement.devices, [](const auto& d) { return is_host(d.kind); });
    if (host == placement.devices.end() || placement.op_device.size() != net.ops.size()) {
      fail(ErrorKind::kUsage, "compiling a program", "the placement names no host device or misses ops");
    }
    host_ = static_cast<int32_t>(host - placement.devices.begin());
  }

  Program run() {
    split_gated();
    collect_wants();
    for (const auto& [op, layer, device] : ops_) emit_net_op(op, layer, device);
    program_.logits = host_readable_logits();
    for (const Segment& segment : program_.segments)
      program_.handoffs += static_cast<int32_t>(segment.waits.size());
    choose_layouts();
    return std::move(program_);
  }

 private:
  struct Placed {
    Op op;
    int32_t layer;
    int32_t device;
  };

  ActFormat format_of(WeightId weight) const { return traits(net_.weights[index(weight)].type).act; }

  int32_t weight_device(WeightId weight, int32_t otherwise) const {
    return placement_.weight_device.empty() ? otherwise : placement_.weight_device[index(weight)];
  }

  // A GatedLinear whose matrices differ in place or format becomes two products and a GatedMul.
  void split_gated() {
    net_values_ = net_.values;
    for (size_t i = 0; i < net_.ops.size(); ++i) {
      const NetOp& net_op = net_.ops[i];
      const int32_t device = placement_.op_device[i];
      const auto* gated = std::get_if<GatedLinear>(&net_op.op);
      if (!gated) {
        ops_.push_back({net_op.op, net_op.layer, device});
        continue;
      }
      const int32_t gate_device = weight_device(gated->gate, device);
      const int32_t up_device = weight_device(gated->up, device);
      const bool same_type = net_.weights[index(gated->gate)].type == net_.weights[index(gated->up)].type;
      if (gate_device == up_device && same_type) {
        ops_.push_back({net_op.op, net_op.layer, gate_device});
        continue;
      }
      const ValueId gate = add_net_value(gated->out, ".gate");
      const ValueId up = add_net_value(gated->out, ".up");
      ops_.push_back({Linear{.x = gated->x, .weight = gated->gate, .out = gate}, net_op.layer, gate_device});
      ops_.push_back({Linear{.x = gated->x, .weight = gated->up, .out = up}, net_op.layer, up_device});
      ops_.push_back({GatedMul{.gate = gate, .up = up, .activation = gated->activation, .out = gated->out},
                      net_op.layer, device});
    }
    home_.resize(net_values_.size());
    wants_.resize(net_values_.size());
  }

  ValueId add_net_value(ValueId like, const char* suffix) {
    NetValue value = net_values_[index(like)];
    value.name += suffix;
    net_values_.push_back(std::move(value));
    return static_cast<ValueId>(net_values_.size() - 1);
  }

  // The format in which an op takes its x; every other operand is f32.
  ActFormat format_of_x(const Op& op) const {
    if (const auto* linear = std::get_if<Linear>(&op)) return format_of(linear->weight);
    if (const auto* gated = std::get_if<GatedLinear>(&op)) return format_of(gated->gate);
    return ActFormat::kF32;
  }

  void collect_wants() {
    for (const Placed& placed : ops_) {
      for_each_read(placed.op, [&](const ValueId& id) {
        wants_[index(id)].insert({placed.device, format_for(placed.op, id)});
      });
    }
  }

  ActFormat format_for(const Op& op, const ValueId& id) const {
    const auto is_x = [&](const auto& o) {
      if constexpr (
          requires { o.weight, o.x; } || requires { o.gate, o.x; })
        return &o.x == &id;
      return false;
    };
    return std::visit(is_x, op) ? format_of_x(op) : ActFormat::kF32;
  }

  void emit_net_op(Op op, int32_t layer, int32_t device) {
    // Reads first: they may append copies and quantizations in front.
    for_each_read(op, [&](ValueId& id) { id = bring(id, {device, format_for(op, id)}, layer); });
    for_each_weight(op, [&](WeightId& id) { id = place_weight(id, device); });
    if (const CacheId cache = cache_written(op); cache != CacheId::kNone)
      program_.caches[index(cache)].device = device;
    ValueId net_out = ValueId::kNone;
    for_each_write(op, [&](ValueId& id) {
      net_out = id;
      id = define(net_out, {device, direct_format(op, net_out, device)});
    });
    emit(op, layer, device);
    if (given(net_out)) send(net_out, device, layer);
  }

  // RmsNorm writes quantized activations itself where that is all that anyone reads.
  ActFormat direct_format(const Op& op, ValueId out, int32_t device) const {
    const std::set<Want>& wants = wants_[index(out)];
    if (!std::holds_alternative<RmsNorm>(op) || wants.size() != 1 || out == net_.logits)
      return ActFormat::kF32;
    return wants.begin()->device == device ? wants.begin()->format : ActFormat::kF32;
  }

  ValueId define(ValueId net_value, Want form) {
    const ValueId id = add_value(net_values_[index(net_value)].name, net_value, form, MemoryKind::kArena);
    forms_[{net_value, form}] = id;
    home_[index(net_value)] = id;
    return id;
  }

  ValueId add_value(std::string name, ValueId net_value, Want form, MemoryKind memory) {
    const NetValue& value = net_values_[index(net_value)];
    program_.values.push_back({.name = std::move(name),
                               .width = value.width,
                               .rows = value.rows,
                               .format = form.format,
                               .memory = memory,
                               .device = form.device});
    return static_cast<ValueId>(program_.values.size() - 1);
  }

  // The value in that form, made from the f32 value if it is not there yet.
  ValueId bring(ValueId net_value, Want want, int32_t layer) {
    if (const auto found = forms_.find({net_value, want}); found != forms_.end()) return found->second;
    ValueId made = ValueId::kNone;
    const std::string& name = net_values_[index(net_value)].name;
    if (want.format != ActFormat::kF32) {
      const ValueId from = bring(net_value, {want.device, ActFormat::kF32}, layer);
      made =
          add_value(name + "." + std::string(yoke::name(want.format)), net_value, want, MemoryKind::kArena);
      emit(QuantizeRows{.x = from, .out = made}, layer, want.device);
    } else {
      const ValueId from = staged_.at({net_value, want.device});
      made =
          add_value(name + "@" + placement_.devices[want.device].name, net_value, want, MemoryKind::kArena);
      emit(Copy{.x = from, .out = made}, layer, want.device);
    }
    forms_[{net_value, want}] = made;
    return made;
  }

  // Right after it is made: to where each other device can fetch it.
  void send(ValueId net_value, int32_t device, int32_t layer) {
    std::set<int32_t> targets;
    for (const Want& want : wants_[index(net_value)]) {
      if (want.device != device) targets.insert(want.device);
    }
    std::optional<ValueId> out;  // where the host can read it
    for (const int32_t target : targets) {
      const bool target_host = is_host(placement_.devices[target].kind);
      if (!out) {
        const ValueId home = home_[index(net_value)];
        const bool readable = is_host(placement_.devices[device].kind);
        out = readable ? home : stage(home, net_value, device, device, layer);
      }
      staged_[{net_value, target}] =
          target_host ? *out : stage(*out, net_value, target, host_of(device), layer);
    }
  }

  int32_t host_of(int32_t device) const { return is_host(placement_.devices[device].kind) ? device : host_; }

  // Copies to the staging memory of device `owner`; `runner` does the copy.
  ValueId stage(ValueId from, ValueId net_value, int32_t owner, int32_t runner, int32_t layer) {
    const std::string name =
        net_values_[index(net_value)].name + "@" + placement_.devices[owner].name + ".staging";
    const ValueId to = add_value(name, net_value, {owner, ActFormat::kF32}, MemoryKind::kStaging);
    emit(Copy{.x = from, .out = to}, layer, runner);
    return to;
  }

  WeightId place_weight(WeightId source, int32_t device) {
    const auto [it, added] =
        weights_.try_emplace({source, device}, static_cast<WeightId>(program_.weights.size()));
    if (added) program_.weights.push_back({.source = source, .device = device});
    return it->second;
  }

  void emit(const Op& op, int32_t layer, int32_t device) {
    if (program_.segments.empty() || program_.segments.back().device != device) open_segment(device);
    const int32_t here = static_cast<int32_t>(program_.segments.size() - 1);
    Segment& segment = program_.segments.back();
    for_each_read(op, [&](const ValueId& id) {
      const int32_t from = writer_.at(index(id));
      if (program_.segments[from].device == device) return;
      if (std::ranges::find(segment.waits, from) == segment.waits.end()) segment.waits.push_back(from);
    });
    for_each_write(op, [&](const ValueId& id) { writer_[index(id)] = here; });
    segment.ops.push_back({op, layer, false});
  }

  void open_segment(int32_t device) {
    std::string name = placement_.devices[device].name;
    std::erase(name, ':');
    name += "." + std::to_string(segments_of_[device]++);
    program_.segments.push_back({std::move(name), device, {}, {}});
  }

  ValueId host_readable_logits() {
    const ValueId home = home_[index(net_.logits)];
    const int32_t device = program_.values[index(home)].device;
    if (is_host(placement_.devices[device].kind)) return home;
    return stage(home, net_.logits, device, device, -1);
  }

  void choose_layouts() {
    std::set<WeightId> multiplied;
    for (const Segment& segment : program_.segments) {
      for (const ProgramOp& p : segment.ops) {
        if (std::holds_alternative<Embed>(p.op)) continue;
        for_each_weight(p.op, [&](const WeightId& id) { multiplied.insert(id); });
      }
    }
    for (size_t i = 0; i < program_.weights.size(); ++i) {
      ProgramWeight& placed = program_.weights[i];
      const NetWeight& weight = net_.weights[index(placed.source)];
      placed.layout = layout_for(placement_.devices[placed.device].kind,
                                 !multiplied.contains(static_cast<WeightId>(i)), weight.vector);
      placed.bytes = weight.vector ? static_cast<uint64_t>(weight.cols) * sizeof(float)
                                   : layout_bytes(weight.type, placed.layout, weight.rows, weight.cols);
    }
  }

  const Net& net_;
  const PhasePlacement& placement_;
  int32_t host_ = 0;
  Program program_;
  std::vector<NetValue> net_values_;  // the Net's and those of split ops
  std::vector<Placed> ops_;
  std::vector<ValueId> home_;          // [net values] the Program's value where it was made
  std::vector<std::set<Want>> wants_;  // [net values]
  std::map<std::pair<ValueId, Want>, ValueId> forms_;
  std::map<std::pair<ValueId, int32_t>, ValueId>
      staged_;  // net value, device -> where that device fetches it
  std::map<std::pair<WeightId, int32_t>, WeightId> weights_;
  std::map<int32_t, int32_t> writer_;  // Program value -> segment
  std::map<int32_t, int32_t> segments_of_;
};

}  // namespace

Layout layout_for(DeviceKind kind, bool only_embedded, bool vector) {
  if (vector || only_embedded || kind == DeviceKind::kReference) return Layout::kStored;
  return Layout::kPanel16;
}

Program lower(const Net& net, const PhasePlacement& placement, const StepLimits& limits) {
  return Lowering(net, placement, limits).run();
}

Program compile(const Net& net, const PhasePlacement& placement, const StepLimits& limits) {
  Program program = lower(net, placement, limits);
  plan_memory(program);
  place_barriers(program);
  return program;
}

}  // namespace yoke
