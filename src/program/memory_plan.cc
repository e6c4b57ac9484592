// The static memory plan: values whose lives do not overlap share a device's arena; on a host only those with
// rows of the same size.
#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "program/lower.h"
#include "tensor/layout.h"

namespace yoke {
namespace {

constexpr uint64_t kAlign = 256;

uint64_t aligned(uint64_t n, uint64_t to) {
  return (n + to - 1) / to * to;
}

// First and last group of ops, counted over all segments, that names the value. A group is what runs between
// two barriers: memory given away inside one would cost a barrier of its own.
struct Life {
  int32_t first = INT32_MAX;
  int32_t last = -1;
  bool shared = false;  // named by another device than its own: no order of ops protects it
};

// True where the op reads what an earlier op of the group made, caches included.
bool depends(const Op& op, const std::set<ValueId>& made, const std::set<CacheId>& written) {
  bool found = written.contains(cache_read(op)) || written.contains(cache_written(op));
  for_each_read(op, [&](const ValueId& id) { found |= made.contains(id); });
  return found;
}

std::vector<Life> lives(const Program& program) {
  std::vector<Life> result(program.values.size());
  int32_t at = 0;
  for (const Segment& segment : program.segments) {
    ++at;
    std::set<ValueId> made;
    std::set<CacheId> written;
    for (const ProgramOp& p : segment.ops) {
      if (depends(p.op, made, written)) {
        ++at;
        made.clear();
        written.clear();
      }
      const auto touch = [&](const ValueId& id) {
        Life& life = result[index(id)];
        life.first = std::min(life.first, at);
        life.last = std::max(life.last, at);
        life.shared |= program.values[index(id)].device != segment.device;
      };
      for_each_read(p.op, touch);
      for_each_write(p.op, touch);
      for_each_write(p.op, [&](const ValueId& id) { made.insert(id); });
      if (cache_written(p.op) != CacheId::kNone) written.insert(cache_written(p.op));
    }
  }
  for (Life& life : result) {
    if (life.shared) life.last = INT32_MAX;
  }
  result[index(program.logits)].last = INT32_MAX;
  for (Life& life : result) {
    if (life.last == INT32_MAX) life.first = 0;
  }
  return result;
}

void size_value(ProgramValue& value, const StepLimits& limits) {
  value.row_bytes = static_cast<uint64_t>(act_layout(value.format, value.width).row_bytes);
  const int64_t rows = value.rows == RowKind::kRows ? limits.rows : limits.wanted;
  value.bytes = aligned(value.row_bytes * static_cast<uint64_t>(rows), kAlign);
}

// The lowest offset at which the value overlaps nothing that lives at the same time. On a host, where each
// core keeps to the same rows of every value, memory serves only values whose rows lie alike: else a core
// would write what lies in another's cache, as slow as from memory and slower.
uint64_t lowest_offset(const Program& program, const std::vector<Life>& life,
                       const std::vector<int32_t>& placed, int32_t value) {
  std::vector<std::pair<uint64_t, uint64_t>> taken;
  for (const int32_t other : placed) {
    const bool same_rows = program.values[other].row_bytes == program.values[value].row_bytes ||
                           !program.devices[program.values[value].device].host;
    const bool at_once = life[other].last >= life[value].first && life[value].last >= life[other].first;
    if (same_rows && !at_once) continue;
    taken.emplace_back(program.values[other].offset,
                       program.values[other].offset + program.values[other].bytes);
  }
  std::ranges::sort(taken);
  uint64_t at = 0;
  for (const auto& [begin, end] : taken) {
    if (begin >= at + program.values[value].bytes) break;
    at = std::max(at, end);
  }
  return at;
}

}  // namespace

void plan_memory(Program& program) {
  for (ProgramValue& value : program.values) size_value(value, program.limits);
  const std::vector<Life> life = lives(program);
  std::vector<int32_t> order(program.values.size());
  std::iota(order.begin(), order.end(), 0);
  // Large ones first, they are the hardest to fit; ties in order of making, so that the plan is reproducible.
  std::ranges::stable_sort(
      order, [&](int32_t a, int32_t b) { return program.values[a].bytes > program.values[b].bytes; });
  std::vector<std::vector<int32_t>> placed(program.devices.size());
  for (const int32_t v : order) {
    ProgramValue& value = program.values[v];
    ProgramDevice& device = program.devices[value.device];
    if (value.memory == MemoryKind::kStaging) {  // never reused: both sides touch it
      value.offset = device.staging_bytes;
      device.staging_bytes += value.bytes;
      continue;
    }
    value.offset = lowest_offset(program, life, placed[value.device], v);
    placed[value.device].push_back(v);
    device.arena_bytes = std::max(device.arena_bytes, value.offset + value.bytes);
  }
}

}  // namespace yoke
