// Everything that differs from one step to the next, and nothing else does: rows, their sequences, block
// tables.
#pragma once

#include <cstdint>
#include <vector>

namespace yoke {

inline constexpr int32_t kBlockPositions = 32;  // positions in one cache block

// The largest step a Program takes; sizes every device's step buffer.
struct StepLimits {
  int32_t rows = 0;
  int32_t wanted = 0;
  int32_t sequences = 0;
  int32_t blocks_per_sequence = 0;
  std::vector<int32_t> rope_pairs;  // per rope of the Net: rotated / 2
};

// Rows of one sequence stand together, in order of position.
struct StepSpan {
  int32_t sequence = 0;  // row of block_tables
  int32_t first_row = 0;
  int32_t rows = 0;
  int32_t first_position = 0;  // of first_row; the others follow one by one
};

struct StepInputs {
  int32_t rows = 0;
  std::vector<int32_t> tokens;     // [rows]
  std::vector<int32_t> positions;  // [rows] index in the row's sequence: where its K and V go
  std::vector<int32_t> sequences;  // [rows] row of block_tables
  std::vector<StepSpan> spans;     // the same, span by span; generated rows come first, then prompt spans
  // [sequences][blocks_per_sequence]: cache block ids in order of position; -1 past the end
  std::vector<int32_t> block_tables;
  int32_t blocks_per_sequence = 0;
  std::vector<int32_t> wanted_rows;       // [wanted], ascending
  std::vector<std::vector<float>> ropes;  // per rope: [rows][pairs][2] cosine, sine

  int32_t wanted() const { return static_cast<int32_t>(wanted_rows.size()); }
};

}  // namespace yoke
