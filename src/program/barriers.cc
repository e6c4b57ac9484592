// Barriers from what each op declares to read and write: one only where an op depends on an earlier one.
#include <vector>

#include "program/lower.h"

namespace yoke {
namespace {

// A stretch of memory an op touches. Caches count as one stretch each.
struct Touch {
  int32_t space;  // 2n: staging of device n; 2n + 1: its arena; -1 - n: cache n
  uint64_t begin;
  uint64_t end;
};

bool overlap(const Touch& a, const Touch& b) {
  return a.space == b.space && a.begin < b.end && b.begin < a.end;
}

bool any_overlap(const std::vector<Touch>& a, const std::vector<Touch>& b) {
  for (const Touch& x : a) {
    for (const Touch& y : b) {
      if (overlap(x, y)) return true;
    }
  }
  return false;
}

Touch touch_value(const Program& program, ValueId id) {
  const ProgramValue& value = program.values[index(id)];
  const int32_t space = 2 * value.device + (value.memory == MemoryKind::kArena ? 1 : 0);
  return {space, value.offset, value.offset + value.bytes};
}

Touch touch_cache(CacheId id) {
  return {-1 - index(id), 0, 1};
}

}  // namespace

void place_barriers(Program& program) {
  for (Segment& segment : program.segments) {
    std::vector<Touch> read, written;  // since the last barrier
    for (ProgramOp& p : segment.ops) {
      std::vector<Touch> reads, writes;
      for_each_read(p.op, [&](const ValueId& id) { reads.push_back(touch_value(program, id)); });
      for_each_write(p.op, [&](const ValueId& id) { writes.push_back(touch_value(program, id)); });
      if (cache_read(p.op) != CacheId::kNone) reads.push_back(touch_cache(cache_read(p.op)));
      if (cache_written(p.op) != CacheId::kNone) writes.push_back(touch_cache(cache_written(p.op)));
      p.barrier = any_overlap(reads, written) || any_overlap(writes, written) || any_overlap(writes, read);
      if (p.barrier) {
        read.clear();
        written.clear();
      }
      read.insert(read.end(), reads.begin(), reads.end());
      written.insert(written.end(), writes.begin(), writes.end());
    }
  }
}

}  // namespace yoke
