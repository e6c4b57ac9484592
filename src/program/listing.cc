// A Program as text: segments, what they wait for, an op a line with barriers, operands and weights.
#include <sstream>
#include <string>

#include "program/compile.h"

namespace yoke {
namespace {

std::string padded(std::string text, size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string shown(const Program& program, ValueId id) {
  const ProgramValue& value = program.values[index(id)];
  std::string text = value.name;
  if (value.format != ActFormat::kF32 && !text.ends_with(name(value.format)))
    text += "." + std::string(name(value.format));
  return text;
}

std::string shown(const Net& net, const Program& program, WeightId id) {
  const ProgramWeight& placed = program.weights[index(id)];
  const NetWeight& weight = net.weights[index(placed.source)];
  if (weight.vector) return weight.name;
  return weight.name + " (" + std::string(traits(weight.type).name) + " " + std::string(name(placed.layout)) +
         ")";
}

std::string op_line(const Net& net, const Program& program, const ProgramOp& p, const std::string& kernel) {
  std::string line = p.barrier ? "    | " : "      ";
  line += padded(std::string(op_name(p.op)), 15);
  std::string operands;
  const auto append = [&](const std::string& text) { operands += (operands.empty() ? "" : ", ") + text; };
  for_each_read(p.op, [&](const ValueId& id) { append(shown(program, id)); });
  for_each_weight(p.op, [&](const WeightId& id) { append(shown(net, program, id)); });
  if (const CacheId cache = cache_read(p.op); cache != CacheId::kNone)
    append(net.caches[index(program.caches[index(cache)].source)].name);
  line += operands + " -> ";
  for_each_write(p.op, [&](const ValueId& id) {
    line += shown(program, id) + " [" + std::to_string(program.values[index(id)].width) + "]";
  });
  if (const CacheId cache = cache_written(p.op); cache != CacheId::kNone)
    line += net.caches[index(program.caches[index(cache)].source)].name;
  return kernel.empty() ? line : padded(line, 110) + "  " + kernel;
}

void list_segment(std::ostream& out, const Net& net, const Program& program, const Segment& segment,
                  const std::vector<std::string>& kernels) {
  out << segment.name;
  for (size_t i = 0; i < segment.waits.size(); ++i)
    out << (i == 0 ? "  after " : ", ") << program.segments[segment.waits[i]].name;
  out << "\n";
  int32_t layer = -1;
  for (size_t i = 0; i < segment.ops.size(); ++i) {
    const ProgramOp& p = segment.ops[i];
    if (p.layer != layer && p.layer >= 0) out << "  block " << p.layer << "\n";
    layer = p.layer;
    out << op_line(net, program, p, i < kernels.size() ? kernels[i] : "") << "\n";
  }
}

}  // namespace

std::string listing(const Net& net, const Program& program,
                    const std::vector<std::vector<std::string>>& kernels) {
  std::ostringstream out;
  out << net.architecture << ": " << net.layers << " blocks, up to " << program.limits.rows << " rows and "
      << program.limits.wanted << " logits rows a step, " << program.handoffs << " hand-offs a step\n";
  for (const ProgramDevice& device : program.devices) {
    out << device.name << ": scratch " << device.arena_bytes << " bytes, staging " << device.staging_bytes
        << " bytes\n";
  }
  for (size_t s = 0; s < program.segments.size(); ++s) {
    out << "\n";
    list_segment(out, net, program, program.segments[s],
                 s < kernels.size() ? kernels[s] : std::vector<std::string>{});
  }
  return out.str();
}

}  // namespace yoke
