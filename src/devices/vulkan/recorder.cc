#include "devices/vulkan/recorder.h"

#include <cctype>

#include "base/error.h"

namespace yoke::vulkan {
namespace {

// A mistake of ours, not of the user's: the Program and its bindings do not fit each other.
[[noreturn]] void fail_binding(const std::string& what, const std::string& wrong) {
  fail(ErrorKind::kRuntime, "compiling a segment for Vulkan", what + " " + wrong);
}

uint64_t checked_address(Buffer* buffer, uint64_t offset, uint64_t bytes, const std::string& what) {
  if (buffer == nullptr) fail_binding(what, "has no memory");
  if (offset > buffer->bytes() || bytes > buffer->bytes() - offset)
    fail_binding(what, "lies outside its buffer");
  const uint64_t address = buffer->address() + offset;
  if (address % 64 != 0) fail_binding(what, "is not aligned to 64 bytes");
  return address;
}

}  // namespace

std::string shader_suffix(DType type) {
  std::string suffix(traits(type).name);
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return suffix;
}

void Recorder::add(const ProgramOp& op) {
  const size_t first = dispatches_.size();
  std::visit([&](const auto& o) { record(o); }, op.op);
  if (op.barrier && first < dispatches_.size()) dispatches_[first].barrier = true;
}

const ProgramValue& Recorder::value(ValueId id) const {
  return p_.program.values.at(static_cast<size_t>(index(id)));
}

const BoundWeight& Recorder::weight(WeightId id) const {
  return p_.bindings.weights.at(static_cast<size_t>(index(id)));
}

const BoundCache& Recorder::cache(CacheId id) const {
  return p_.bindings.caches.at(static_cast<size_t>(index(id)));
}

uint64_t Recorder::address(ValueId id) const {
  const BoundValue& bound = p_.bindings.values.at(static_cast<size_t>(index(id)));
  return checked_address(bound.buffer, bound.offset, value(id).bytes, "value " + value(id).name);
}

uint64_t Recorder::address(WeightId id) const {
  if (!given(id)) return 0;
  const BoundWeight& w = weight(id);
  return checked_address(w.buffer, w.offset, layout_bytes(w.type, w.layout, w.rows, w.cols),
                         "weight " + std::to_string(index(id)));
}

uint64_t Recorder::address(CacheId id) const {
  const BoundCache& c = cache(id);
  const uint64_t bytes = kv_block_bytes(c.type, c.kv_heads, c.head_dim) * static_cast<uint64_t>(c.blocks);
  return checked_address(c.buffer, c.offset, bytes, "cache " + std::to_string(index(id)));
}

int32_t Recorder::max_rows(RowKind kind) const {
  return kind == RowKind::kRows ? p_.program.limits.rows : p_.program.limits.wanted;
}

void Recorder::dispatch(const Pipeline& pipeline, Grid grid, const std::byte* push, uint32_t bytes) {
  if (grid.columns > p_.context.capabilities().max_groups) {
    fail_binding(pipeline.shader, "needs more workgroups than the device has");
  }
  Dispatch d;
  d.pipeline = &pipeline;
  d.grid_offset = p_.step.grid_offset(grid);
  std::memcpy(d.push.data(), push, bytes);
  d.push_bytes = bytes;
  dispatches_.push_back(d);
}

}  // namespace yoke::vulkan
