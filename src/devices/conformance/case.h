// One op with its memory and its step: everything that a device needs to run it once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "devices/conformance/conformance.h"
#include "devices/device.h"

namespace yoke::conformance {

using Bytes = std::vector<std::byte>;

struct CaseWeight {
  DType type = DType::kF32;
  int64_t rows = 1;
  int64_t cols = 0;
  bool matrix = false;  // laid out as the run says; vectors are always stored
  Bytes stored;
};

struct CaseCache {
  int32_t kv_heads = 0;
  int32_t head_dim = 0;
  KvType type = KvType::kF16;
  int32_t blocks = 0;
  Bytes bytes;
};

struct Case {
  std::string sizes;            // "rows 3, n 17, k 1056, bias, outliers"
  std::vector<Layout> layouts;  // of its matrices; {kStored} where it has none
  Program program;              // one segment with one op; offsets are within one buffer per MemoryKind
  std::vector<Bytes> values;    // content before the op, ProgramValue::bytes each
  std::vector<CaseWeight> weights;
  std::vector<CaseCache> caches;
  StepInputs step;

  const Op& op() const { return program.segments[0].ops[0].op; }
};

using CaseSink = std::function<void(const Case&)>;

// Is this op asked for?
bool wants(const ConformanceOptions& options, std::string_view op);

void linear_cases(const ConformanceOptions& options, const CaseSink& sink);    // Linear, GatedLinear
void row_cases(const ConformanceOptions& options, const CaseSink& sink);       // row by row
void sequence_cases(const ConformanceOptions& options, const CaseSink& sink);  // rope, cache, attention

}  // namespace yoke::conformance
