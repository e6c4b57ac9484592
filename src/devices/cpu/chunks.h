// Work in chunks: each member has a part of its own and takes it in order, whoever is done early helps the
// others.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "devices/cpu/cpu_op.h"

namespace yoke::cpu {

class Chunks {
 public:
  explicit Chunks(int members) : taken_(static_cast<size_t>(members)) {}

  // f(owner, chunk) for chunks 0 .. count_of(owner) - 1 of every owner, each run by exactly one member.
  // Owners of one chunk are never helped: looking costs more than it gives. Helpers stay on their memory
  // node.
  template <class Count, class F>
  void run(const Member& me, Count&& count_of, F&& f) {
    for (int i = 0; i < me.count; ++i) {
      const int owner = (me.index + i) % me.count;
      const int64_t count = count_of(owner);
      if (count <= 1) {
        if (i == 0 && count == 1) f(owner, int64_t{0});
        continue;
      }
      if (me.nodes != nullptr && me.nodes[owner] != me.nodes[me.index]) continue;
      for (int64_t chunk = take(owner, me.run, count); chunk >= 0; chunk = take(owner, me.run, count)) {
        f(owner, chunk);
      }
    }
  }

 private:
  // Chunks taken so far in the low half, of the run in the high half: a counter of an earlier run counts as
  // zero, so that nobody has to set it back.
  int64_t take(int owner, uint32_t run, int64_t count) {
    std::atomic<uint64_t>& taken = taken_[static_cast<size_t>(owner)].value;
    uint64_t seen = taken.load(std::memory_order_relaxed);
    for (;;) {
      const uint64_t next = seen >> 32 == run ? seen & 0xFFFFFFFFu : 0;
      if (static_cast<int64_t>(next) >= count) return -1;
      if (taken.compare_exchange_weak(seen, static_cast<uint64_t>(run) << 32 | (next + 1),
                                      std::memory_order_relaxed)) {
        return static_cast<int64_t>(next);
      }
    }
  }

  struct alignas(64) Counter {
    std::atomic<uint64_t> value{0};
  };
  std::vector<Counter> taken_;  // [members]
};

}  // namespace yoke::cpu
