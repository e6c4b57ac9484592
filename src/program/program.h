// A Net made concrete for one placement and one row class: a flat, printable list of ops in segments on
// device lanes, with copies, waits and a static memory plan.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/op.h"
#include "program/net.h"
#include "program/step_inputs.h"
#include "tensor/dtype.h"
#include "tensor/layout.h"

namespace yoke {

enum class KvType : uint8_t { kF16, kF32, kQ8_0 };

enum class MemoryKind : uint8_t {
  kArena,    // the device's scratch
  kStaging,  // memory of a GPU device that the host can read and write too: both sides' ops name it
};

struct ProgramValue {
  std::string name;
  int64_t width = 0;
  RowKind rows = RowKind::kRows;
  ActFormat format = ActFormat::kF32;
  MemoryKind memory = MemoryKind::kArena;
  int32_t device = 0;      // index into Program::devices; for kStaging the GPU that owns the memory
  uint64_t offset = 0;     // bytes, within the device's arena or staging buffer; 256-byte aligned
  uint64_t row_bytes = 0;  // kF32: width * 4 rounded up to 64; else act_layout(format, width).row_bytes
  uint64_t bytes = 0;      // row_bytes * the class's rows of that kind
};

// One placed copy of a weight: a tied head on another device than the token table is a second entry.
struct ProgramWeight {
  WeightId source = WeightId::kNone;  // in the Net
  int32_t device = 0;
  Layout layout = Layout::kStored;
  uint64_t bytes = 0;  // layout_bytes, or cols * 4 for vectors
};

struct ProgramCache {
  CacheId source = CacheId::kNone;
  int32_t device = 0;
};

struct ProgramOp {
  Op op;  // its ids index the Program's values, weights, caches and the Net's ropes
  int32_t layer = -1;
  bool barrier = false;  // an earlier op of the segment wrote what this one reads, or read what it overwrites
};

struct Segment {
  std::string name;  // "vulkan0.1"
  int32_t device = 0;
  std::vector<ProgramOp> ops;
  std::vector<int32_t> waits;  // earlier segments, on other devices, that must have finished
};

struct ProgramDevice {
  std::string name;          // "vulkan:0"
  uint64_t arena_bytes = 0;  // scratch
  uint64_t staging_bytes = 0;
  bool host = false;
};

// ids of values, weights and caches are indices here, not in the Net.
struct Program {
  StepLimits limits;
  std::vector<ProgramDevice> devices;
  std::vector<ProgramValue> values;
  std::vector<ProgramWeight> weights;
  std::vector<ProgramCache> caches;
  std::vector<Segment> segments;    // in launch order
  ValueId logits = ValueId::kNone;  // in memory the host can read: the CPU's arena or a staging buffer
  int32_t handoffs = 0;             // segment boundaries per step at which work passes between devices
};

}  // namespace yoke
