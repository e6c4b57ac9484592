#include "placement/support.h"

#include <algorithm>

namespace yoke {
namespace {

OpShape shape_of(const Net& net, const Program& program, const Op& op, KvType kv) {
  OpShape shape;
  shape.op = &op;
  shape.kv = kv;
  for_each_write(
      op, [&](const ValueId& id) { shape.out = program.values[static_cast<size_t>(index(id))].format; });
  for_each_weight(op, [&](const WeightId& id) {
    const ProgramWeight& placed = program.weights[static_cast<size_t>(index(id))];
    const NetWeight& weight = net.weights[static_cast<size_t>(index(placed.source))];
    if (weight.vector) return;
    shape.weight = weight.type;
    shape.layout = placed.layout;
  });
  const CacheId cache = cache_read(op) != CacheId::kNone ? cache_read(op) : cache_written(op);
  if (cache != CacheId::kNone) {
    const CacheId source = program.caches[static_cast<size_t>(index(cache))].source;
    shape.head_dim = net.caches[static_cast<size_t>(index(source))].head_dim;
  } else if (const auto* rope = std::get_if<HeadNormRope>(&op)) {
    shape.head_dim = rope->head_dim;
  }
  return shape;
}

std::string words(const OpShape& shape) {
  std::string text(op_name(*shape.op));
  const bool matrix = std::holds_alternative<Linear>(*shape.op) ||
                      std::holds_alternative<GatedLinear>(*shape.op) ||
                      std::holds_alternative<Embed>(*shape.op);
  if (matrix)
    text += " (" + std::string(traits(shape.weight).name) + ", " + std::string(name(shape.layout)) + ")";
  return text;
}

template <class T>
void add_once(std::vector<T>& list, T item, auto same) {
  if (std::ranges::none_of(list, [&](const T& other) { return same(other, item); }))
    list.push_back(std::move(item));
}

}  // namespace

Support ask_devices(const Net& net, const Program& program, const Machine& machine, KvType kv) {
  Support support;
  for (const Segment& segment : program.segments) {
    const Device* device = machine.devices[static_cast<size_t>(segment.device)].device;
    if (!device) continue;
    for (const ProgramOp& p : segment.ops) {
      const OpShape shape = shape_of(net, program, p.op, kv);
      if (const auto why = device->unsupported(shape)) {
        add_once(support.unsupported, OpRefusal{segment.device, p.layer, words(shape) + ": " + *why},
                 [](const OpRefusal& a, const OpRefusal& b) {
                   return a.device == b.device && a.layer == b.layer && a.text == b.text;
                 });
      }
      if (const auto why = device->not_bitwise(shape)) {
        add_once(support.not_bitwise, device->info().name + ": " + words(shape) + ": " + *why,
                 [](const std::string& a, const std::string& b) { return a == b; });
      }
    }
  }
  return support;
}

}  // namespace yoke
