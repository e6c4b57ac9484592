// Puts a Case together: tables of values, weights and caches, and where they lie in memory.
#pragma once

#include "devices/conformance/case.h"
#include "devices/conformance/random_data.h"

namespace yoke::conformance {

// Rows of one sequence in a step: `rows` rows from `position` on.
struct SequenceRows {
  int32_t position = 0;
  int32_t rows = 1;
};

class CaseBuilder {
 public:
  // A step with one sequence of `rows` rows at positions 0 and up, every second row wanted.
  CaseBuilder(Random& random, int32_t rows);
  // A step of several sequences; their block tables are shuffled over more blocks than they need.
  CaseBuilder(Random& random, const std::vector<SequenceRows>& sequences);

  int32_t rows() const { return case_.step.rows; }
  int32_t wanted() const { return case_.step.wanted(); }
  int32_t cache_blocks() const { return cache_blocks_; }

  // A value the op reads: floats are [rows][width], quantized where the format says so.
  ValueId input(int64_t width, const std::vector<float>& floats, ActFormat format = ActFormat::kF32,
                MemoryKind memory = MemoryKind::kArena);
  // A value the op writes; holds garbage before.
  ValueId output(int64_t width, ActFormat format = ActFormat::kF32, RowKind rows = RowKind::kRows,
                 MemoryKind memory = MemoryKind::kArena);
  WeightId matrix(DType type, int64_t rows, int64_t cols, Bytes stored);
  WeightId vector(const std::vector<float>& floats);
  // A cache full of garbage.
  CacheId cache(KvType type, int32_t kv_heads, int32_t head_dim);
  // Writes ordinary keys and values to every position that some row of the step may see.
  void fill_cache(CacheId id, const std::vector<float>& one_vector_per_position_and_head);
  RopeId rope(int32_t pairs, std::vector<float> angles);  // [rows][pairs][2]
  std::vector<int32_t>& tokens() { return case_.step.tokens; }

  // Places everything and gives the case its name.
  Case build(Op op, std::string sizes);

 private:
  ValueId add_value(ProgramValue value, Bytes bytes);
  Bytes garbage(uint64_t bytes);

  Random& random_;
  Case case_;
  int32_t cache_blocks_ = 0;
};

}  // namespace yoke::conformance
