#include "devices/conformance/conformance.h"

#include <algorithm>
#include <exception>

#include "devices/conformance/case.h"
#include "devices/conformance/compare.h"
#include "devices/conformance/run_case.h"
#include "devices/reference/reference.h"

namespace yoke {
namespace conformance {

bool wants(const ConformanceOptions& options, std::string_view op) {
  return options.ops.empty() || std::ranges::find(options.ops, op) != options.ops.end();
}

namespace {

OpShape shape_of(const Case& c, Layout layout) {
  OpShape shape;
  shape.op = &c.op();
  shape.layout = layout;
  for (const CaseWeight& w : c.weights) {
    if (w.matrix) shape.weight = w.type;
  }
  if (!c.caches.empty()) {
    shape.kv = c.caches[0].type;
    shape.head_dim = c.caches[0].head_dim;
  } else if (const auto* rope = std::get_if<HeadNormRope>(&c.op())) {
    shape.head_dim = rope->head_dim;
  }
  return shape;
}

class Suite {
 public:
  explicit Suite(Device& device) : device_(device), reference_(make_reference_device()) {}

  void run(const Case& c) {
    std::optional<Outcome> expected;
    for (const Layout layout : c.layouts) {
      ConformanceResult& result = result_for(c, layout);
      const OpShape shape = shape_of(c, layout);
      if (const auto reason = device_.unsupported(shape)) {
        if (result.skipped_cases++ == 0) result.skip_reason = *reason;
        continue;
      }
      if (!expected) expected = run_case(c, *reference_, Layout::kStored);
      check(c, layout, !device_.not_bitwise(shape), *expected, result);
    }
  }

  std::vector<ConformanceResult> results() && { return std::move(results_); }

 private:
  void check(const Case& c, Layout layout, bool bitwise, const Outcome& expected, ConformanceResult& result) {
    ++result.cases;
    std::optional<std::string> wrong;
    try {
      const Outcome got = run_case(c, device_, layout);
      result.kernel = got.kernel;
      wrong = difference(c, expected, got, bitwise);
    } catch (const std::exception& e) {
      wrong = e.what();
    }
    if (wrong && result.passed) {
      result.passed = false;
      result.message = c.sizes + ": " + *wrong;
    }
  }

  ConformanceResult& result_for(const Case& c, Layout layout) {
    std::string format = c.format;
    if (c.layouts.size() > 1) format += " " + std::string(name(layout));
    const std::string op(op_name(c.op()));
    const auto same = [&](const ConformanceResult& r) { return r.op == op && r.format == format; };
    const auto found = std::ranges::find_if(results_, same);
    if (found != results_.end()) return *found;
    ConformanceResult fresh;
    fresh.op = op;
    fresh.format = std::move(format);
    results_.push_back(std::move(fresh));
    return results_.back();
  }

  Device& device_;
  std::unique_ptr<Device> reference_;
  std::vector<ConformanceResult> results_;
};

}  // namespace
}  // namespace conformance

std::vector<ConformanceResult> run_conformance(Device& device, const ConformanceOptions& options) {
  conformance::Suite suite(device);
  const conformance::CaseSink sink = [&](const conformance::Case& c) { suite.run(c); };
  conformance::linear_cases(options, sink);
  conformance::row_cases(options, sink);
  conformance::sequence_cases(options, sink);
  return std::move(suite).results();
}

}  // namespace yoke
