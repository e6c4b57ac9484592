#include "devices/conformance/conformance.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "base/error.h"
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
  for_each_write(c.op(), [&](ValueId id) { shape.out = c.program.values[index(id)].format; });
  return shape;
}

class Suite {
 public:
  explicit Suite(Device& device) : device_(device), reference_(make_reference_device()) {}

  void run(const Case& c) {
    std::optional<Outcome> expected;
    for (const Layout layout : c.layouts) {
      const OpShape shape = shape_of(c, layout);
      ConformanceResult& result = result_for(op_format(shape));
      if (lost_) {
        skip(result, "an earlier kernel took the device along");
      } else if (const auto reason = device_.unsupported(shape)) {
        skip(result, *reason);
      } else {
        if (!expected) expected = run_case(c, *reference_, Layout::kStored);
        check(c, layout, !device_.not_bitwise(shape), *expected, result);
      }
    }
  }

  std::vector<ConformanceResult> results() && { return std::move(results_); }

 private:
  void check(const Case& c, Layout layout, bool bitwise, const Outcome& expected, ConformanceResult& result) {
    try {
      const Outcome got = run_case(c, device_, layout);
      result.kernel = got.kernel;
      const std::optional<std::string> wrong = difference(c, expected, got, bitwise);
      if (wrong) note_failure(result, c.sizes + ": " + *wrong);
      if (!wrong && !good_) good_ = {c, layout};
    } catch (const std::exception& e) {
      // Memory that others hold is no fault of the kernel.
      const auto* error = dynamic_cast<const Error*>(&e);
      if (error != nullptr && error->kind() == ErrorKind::kDoesNotFit) return skip(result, e.what());
      note_failure(result, c.sizes + ": " + e.what());
      lost_ = !alive();
    }
    ++result.cases;
    result.bitwise = result.bitwise && bitwise;
  }

  static void note_failure(ConformanceResult& result, std::string message) {
    if (result.passed) result.message = std::move(message);
    result.passed = false;
  }
  static void skip(ConformanceResult& result, const std::string& reason) {
    if (result.skipped_cases++ == 0) result.skip_reason = reason;
  }

  // After an error: does what ran before still run? If not, what follows says nothing about its kernels.
  bool alive() {
    if (!good_) return true;
    try {
      run_case(good_->first, device_, good_->second);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  ConformanceResult& result_for(const OpFormat& pair) {
    const auto same = [&](const ConformanceResult& r) { return r.op == pair.op && r.format == pair.format; };
    const auto found = std::ranges::find_if(results_, same);
    if (found != results_.end()) return *found;
    ConformanceResult fresh;
    fresh.op = pair.op;
    fresh.format = pair.format;
    results_.push_back(std::move(fresh));
    return results_.back();
  }

  Device& device_;
  std::unique_ptr<Device> reference_;
  std::vector<ConformanceResult> results_;
  std::optional<std::pair<Case, Layout>> good_;  // the first case that passed
  bool lost_ = false;
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
