// Linear, GatedLinear and Embed: every weight format, sizes around every remainder of rows, outputs and k.
#include "devices/conformance/case_builder.h"

namespace yoke::conformance {
namespace {

struct Sizes {
  int32_t rows;
  int64_t n;
  int64_t k;
  Data data;
  bool bias;
  bool add;

  std::string text() const {
    return "rows " + std::to_string(rows) + ", n " + std::to_string(n) + ", k " + std::to_string(k) +
           (bias ? ", bias" : "") + (add ? ", add" : "") + ", " + std::string(name(data));
  }
};

// One block, odd numbers of blocks of 32, and both sides of the first pieces' ends (1024, 2048).
std::vector<int64_t> k_sizes(DType type) {
  switch (traits(type).block) {
    case 1:
      return {1, 33, 64, 1023, 1024, 1025, 3073};
    case 32:
      return {32, 96, 992, 1024, 1056, 3104};
    default:
      return {256, 768, 1024, 1280, 3328};
  }
}

std::vector<Sizes> quick_sizes(DType type) {
  const std::vector<int64_t> k = k_sizes(type);
  const std::pair<int32_t, int64_t> rows_n[] = {{1, 16},  {2, 15}, {3, 17}, {5, 40},  {8, 1},  {17, 16},
                                                {33, 17}, {1, 40}, {4, 33}, {16, 48}, {67, 65}};
  std::vector<Sizes> sizes;
  for (size_t i = 0; i < std::size(rows_n); ++i) {
    const Data data = i % 2 == 0 ? Data::kNormal : kAllData[(i / 2 + 1) % std::size(kAllData)];
    sizes.push_back({rows_n[i].first, rows_n[i].second, k[i % k.size()], data, i % 3 == 1, i % 3 == 2});
  }
  // All three together, and the largest sums over several pieces.
  sizes.push_back({2, 17, k.back(), Data::kExtremes, true, true});
  return sizes;
}

std::vector<Sizes> thorough_sizes(DType type) {
  std::vector<Sizes> sizes = quick_sizes(type);
  size_t i = 0;
  for (const int32_t rows : {1, 2, 3, 4, 5, 8, 16, 17, 33, 67}) {
    for (const int64_t n : {1, 15, 16, 17, 40}) {
      for (const int64_t k : k_sizes(type)) {
        sizes.push_back({rows, n, k, kAllData[i % std::size(kAllData)], i % 4 == 1, i % 4 == 2});
        i += 5;  // coprime to the lists' lengths: sizes meet all kinds of data
      }
    }
  }
  return sizes;
}

void linear(const Sizes& s, DType type, Random& random, const CaseSink& sink) {
  CaseBuilder builder(random, s.rows);
  Linear op;
  op.x = builder.input(s.k, random.floats(s.rows * s.k, s.data), traits(type).act);
  op.weight = builder.matrix(type, s.n, s.k, random.weight(type, s.n, s.k, s.data));
  if (s.bias) op.bias = builder.vector(random.floats(s.n, Data::kNormal));
  if (s.add) op.add = builder.input(s.n, random.floats(s.rows * s.n, Data::kNormal));
  op.out = builder.output(s.n);
  sink(builder.build(op, s.text()));
}

void gated_linear(const Sizes& s, DType type, Random& random, const CaseSink& sink) {
  CaseBuilder builder(random, s.rows);
  GatedLinear op;
  op.x = builder.input(s.k, random.floats(s.rows * s.k, s.data), traits(type).act);
  op.gate = builder.matrix(type, s.n, s.k, random.weight(type, s.n, s.k, s.data));
  op.up = builder.matrix(type, s.n, s.k, random.weight(type, s.n, s.k, s.data));
  op.out = builder.output(s.n);
  sink(builder.build(op, s.text()));
}

void embed(int32_t rows, int64_t width, DType type, Random& random, const CaseSink& sink) {
  constexpr int32_t kVocabulary = 39;
  CaseBuilder builder(random, rows);
  for (int32_t& token : builder.tokens()) token = random.below(kVocabulary);
  builder.tokens().front() = kVocabulary - 1;
  builder.tokens().back() = 0;
  Embed op;
  op.table = builder.matrix(type, kVocabulary, width, random.weight(type, kVocabulary, width, Data::kNormal));
  op.out = builder.output(width);
  sink(builder.build(op, "rows " + std::to_string(rows) + ", width " + std::to_string(width)));
}

}  // namespace

void linear_cases(const ConformanceOptions& options, const CaseSink& sink) {
  Random random(options.seed);
  for (const DTypeTraits& t : all_dtypes()) {
    const std::vector<Sizes> sizes = options.thorough ? thorough_sizes(t.type) : quick_sizes(t.type);
    for (const Sizes& s : sizes) {
      if (wants(options, "linear")) linear(s, t.type, random, sink);
      if (wants(options, "gated_linear") && !s.bias) gated_linear(s, t.type, random, sink);
    }
    if (!wants(options, "embed")) continue;
    for (const int64_t width : k_sizes(t.type)) embed(width % 3 == 0 ? 1 : 7, width, t.type, random, sink);
  }
}

}  // namespace yoke::conformance
