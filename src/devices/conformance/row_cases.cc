// Ops that treat each row by itself, with widths on both sides of vectors and of the 64 partial sums.
#include <iterator>

#include "devices/conformance/case_builder.h"

namespace yoke::conformance {
namespace {

constexpr ActFormat kFormats[] = {ActFormat::kF32, ActFormat::kBF16, ActFormat::kQ8x32, ActFormat::kQ8x256};

std::vector<int64_t> widths(ActFormat format) {
  switch (format) {
    case ActFormat::kF32:
    case ActFormat::kBF16:
      return {1, 15, 63, 64, 65, 100, 576, 2049};
    case ActFormat::kQ8x32:
      return {32, 64, 96, 576, 2080};
    case ActFormat::kQ8x256:
      return {256, 768, 2304};
  }
  return {};
}

// Both sides of where silu's parts end, and far away.
void put_far_gates(std::vector<float>& gates) {
  constexpr float kGates[] = {-69.9f, -70.0f, -70.1f, -83.5f, -87.0f, -88.5f, -1e4f, -1e30f,
                              69.9f,  70.1f,  86.9f,  87.1f,  89.0f,  1e4f,   1e30f, -0.0f};
  for (size_t i = 0; i < gates.size(); i += 3) gates[i] = kGates[i / 3 % std::size(kGates)];
}

std::string text(int32_t rows, int64_t width, Data data) {
  return "rows " + std::to_string(rows) + ", width " + std::to_string(width) + ", " + std::string(name(data));
}

void norms(const ConformanceOptions& options, int32_t rows, Data data, Random& random, const CaseSink& sink) {
  for (const ActFormat format : kFormats) {
    for (const int64_t width : widths(format)) {
      const std::string sizes = text(rows, width, data);
      if (wants(options, "rms_norm")) {
        CaseBuilder builder(random, rows);
        RmsNorm op;
        op.x = builder.input(width, random.floats(rows * width, data));
        op.weight = builder.vector(random.floats(width, Data::kNormal));
        op.eps = width % 2 == 0 ? 1e-5f : 1e-6f;
        op.out = builder.output(width, format);
        sink(builder.build(op, sizes));
      }
      if (wants(options, "quantize_rows") && format != ActFormat::kF32) {
        CaseBuilder builder(random, rows);
        QuantizeRows op;
        op.x = builder.input(width, random.floats(rows * width, data));
        op.out = builder.output(width, format);
        sink(builder.build(op, sizes));
      }
    }
  }
}

void pairs(const ConformanceOptions& options, int32_t rows, Data data, Random& random, const CaseSink& sink) {
  for (const int64_t width : widths(ActFormat::kF32)) {
    const std::string sizes = text(rows, width, data);
    if (wants(options, "gated_mul")) {
      CaseBuilder builder(random, rows);
      GatedMul op;
      std::vector<float> gates = random.floats(rows * width, data);
      if (data == Data::kOutliers) put_far_gates(gates);
      op.gate = builder.input(width, gates);
      op.up = builder.input(width, random.floats(rows * width, Data::kNormal));
      op.out = builder.output(width);
      sink(builder.build(op, sizes));
    }
    if (!wants(options, "add")) continue;
    for (const bool in_place : {false, true}) {
      CaseBuilder builder(random, rows);
      Add op;
      op.a = builder.input(width, random.floats(rows * width, data));
      op.b = builder.input(width, random.floats(rows * width, Data::kNormal));
      op.out = in_place ? op.a : builder.output(width);
      sink(builder.build(op, sizes + (in_place ? ", in place" : "")));
    }
  }
}

void moves(const ConformanceOptions& options, int32_t rows, Random& random, const CaseSink& sink) {
  for (const int64_t width : widths(ActFormat::kF32)) {
    if (!wants(options, "wanted_rows")) break;
    CaseBuilder builder(random, rows);
    WantedRows op;
    op.x = builder.input(width, random.floats(rows * width, Data::kNormal));
    op.out = builder.output(width, ActFormat::kF32, RowKind::kWanted);
    sink(builder.build(op, text(rows, width, Data::kNormal)));
  }
  if (!wants(options, "copy")) return;
  const std::pair<MemoryKind, MemoryKind> ways[] = {{MemoryKind::kArena, MemoryKind::kArena},
                                                    {MemoryKind::kArena, MemoryKind::kStaging},
                                                    {MemoryKind::kStaging, MemoryKind::kArena}};
  for (const ActFormat format : kFormats) {
    for (const int64_t width : widths(format)) {
      for (const auto& [from, to] : ways) {
        CaseBuilder builder(random, rows);
        Copy op;
        op.x = builder.input(width, random.floats(rows * width, Data::kNormal), format, from);
        op.out = builder.output(width, format, RowKind::kRows, to);
        sink(builder.build(op, text(rows, width, Data::kNormal) +
                                   (from == MemoryKind::kStaging ? ", from staging" : "") +
                                   (to == MemoryKind::kStaging ? ", to staging" : "")));
      }
    }
  }
}

}  // namespace

void row_cases(const ConformanceOptions& options, const CaseSink& sink) {
  Random random(options.seed + 1);
  const std::vector<int32_t> row_counts =
      options.thorough ? std::vector<int32_t>{1, 2, 3, 5, 8, 17, 33} : std::vector<int32_t>{1, 5};
  for (const int32_t rows : row_counts) {
    for (const Data data : kAllData) {
      if (!options.thorough && rows == 1 && data != Data::kNormal) continue;
      norms(options, rows, data, random, sink);
      pairs(options, rows, data, random, sink);
    }
    moves(options, rows, random, sink);
  }
}

}  // namespace yoke::conformance
