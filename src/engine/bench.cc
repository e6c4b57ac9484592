#include "engine/bench.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <variant>

#include "base/error.h"
#include "sampling/random.h"

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

int64_t ceil_div(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

// Positions that each sequence comes to use.
int64_t positions(const BenchOptions& o) {
  return int64_t{o.depth} + std::max({o.prompt, o.generate, 1});
}

class Runs {
 public:
  Runs(Model& model, const BenchOptions& options)
      : model_(model),
        o_(options),
        each_(std::max(1, model.limits().rows / options.batch)),
        total_(prompt_steps(std::max(o_.depth, 1)) +
               o_.repeat * (prompt_steps(o_.prompt) + int64_t{o_.generate})) {
    for (int32_t s = 0; s < o_.batch; ++s) {
      blocks_.emplace_back(model.pool());
      if (!blocks_.back().reserve(positions(o_)))
        fail(ErrorKind::kDoesNotFit, "benchmarking", "the cache has no room for all sequences");
    }
    for (int64_t i = 0; i < positions(o_); ++i)
      tokens_.push_back(static_cast<int32_t>(random_.next() % static_cast<uint64_t>(model.net().vocabulary)));
  }

  int64_t prompt_steps(int64_t tokens) const { return ceil_div(tokens, each_); }

  // All sequences' prompts [from, to), in steps as large as the model takes; seconds.
  double prompts(int32_t from, int32_t to) {
    const auto begin = Clock::now();
    for (int32_t at = from; at < to; at += each_) step(at, std::min(each_, to - at), at + each_ >= to);
    return seconds_since(begin);
  }

  double decode() {
    const auto begin = Clock::now();
    for (int32_t i = 0; i < o_.generate; ++i) step(o_.depth + i, 1, true);
    return seconds_since(begin);
  }

  std::vector<float> last_logits() const {
    const auto row = model_.logits(0);
    return {row.begin(), row.end()};
  }

 private:
  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  void step(int32_t position, int32_t rows, bool logits) {
    std::vector<StepItem> items;
    for (const SequenceBlocks& blocks : blocks_) {
      items.push_back({.blocks = &blocks,
                       .first_position = position,
                       .tokens = std::span(tokens_).subspan(position, rows),
                       .want = logits ? WantLogits::kLast : WantLogits::kNone});
    }
    model_.run(items);
    if (o_.progress) o_.progress(++done_, total_);
  }

  Model& model_;
  const BenchOptions& o_;
  int32_t each_;  // rows of a sequence in a prompt step
  int64_t total_, done_ = 0;
  Random random_{42};
  std::vector<SequenceBlocks> blocks_;
  std::vector<int32_t> tokens_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// What one step reads of the weights: of the token table only a few rows, which are not counted, unless it is
// the head too.
struct ReadBytes {
  double every_step = 0;
  double with_logits = 0;  // more, where logits are wanted: the head
};

ReadBytes read_bytes(const Program& program) {
  std::set<int32_t> always, wanted;
  for (const Segment& segment : program.segments) {
    for (const ProgramOp& p : segment.ops) {
      if (std::holds_alternative<Embed>(p.op)) continue;
      bool rows = false;
      for_each_write(p.op, [&](const ValueId& id) {
        rows = rows || program.values[static_cast<size_t>(index(id))].rows == RowKind::kRows;
      });
      for_each_weight(p.op, [&](const WeightId& id) { (rows ? always : wanted).insert(index(id)); });
    }
  }
  ReadBytes bytes;
  const auto size = [&](int32_t w) {
    return static_cast<double>(program.weights[static_cast<size_t>(w)].bytes);
  };
  for (const int32_t w : always) bytes.every_step += size(w);
  for (const int32_t w : wanted) bytes.with_logits += size(w);
  return bytes;
}

// Multiplies and adds of the matrix products, two per element of the matrix and row.
struct ProductOperations {
  double every_row = 0;
  double wanted_row = 0;  // more, where the row's logits are wanted
};

ProductOperations product_operations(const Program& program, const Net& net) {
  ProductOperations operations;
  for (const Segment& segment : program.segments) {
    for (const ProgramOp& p : segment.ops) {
      const auto count = [&](WeightId id, ValueId out) {
        const WeightId source = program.weights[static_cast<size_t>(index(id))].source;
        const NetWeight& weight = net.weights[static_cast<size_t>(index(source))];
        const RowKind rows = program.values[static_cast<size_t>(index(out))].rows;
        (rows == RowKind::kRows ? operations.every_row : operations.wanted_row) +=
            2.0 * static_cast<double>(weight.rows) * static_cast<double>(weight.cols);
      };
      if (const auto* linear = std::get_if<Linear>(&p.op)) count(linear->weight, linear->out);
      if (const auto* gated = std::get_if<GatedLinear>(&p.op)) {
        count(gated->gate, gated->out);
        count(gated->up, gated->out);
      }
    }
  }
  return operations;
}

// What one run of a phase computes, of all sequences together.
struct PhaseRun {
  double steps = 0;
  double steps_with_logits = 0;
  double rows = 0;  // each a token
  double wanted_rows = 0;
};

void finish(BenchPhase& phase, const Model& model, const PhaseRun& run) {
  phase.median = median(phase.tokens_per_s);
  const double runs_per_s = phase.median / run.rows;
  const Program& program = model.executor().program();
  const ReadBytes read = read_bytes(program);
  phase.weight_gb_per_s =
      (run.steps * read.every_step + run.steps_with_logits * read.with_logits) * runs_per_s / 1e9;
  const ProductOperations products = product_operations(program, model.net());
  phase.product_gop_per_s =
      (run.rows * products.every_row + run.wanted_rows * products.wanted_row) * runs_per_s / 1e9;
}

}  // namespace

void check_bench(const BenchOptions& o, int64_t context) {
  if (o.prompt == 0 && o.generate == 0)
    fail(ErrorKind::kUsage, "benchmarking", "there is nothing to measure (--prompt or --gen above 0)");
  if (positions(o) > context) {
    fail(ErrorKind::kUsage, "benchmarking",
         "depth and prompt or answer take " + std::to_string(positions(o)) +
             " positions, more than the context of " + std::to_string(context) + " (a larger --ctx helps)");
  }
}

BenchResult bench(Model& model, const BenchOptions& o) {
  check_bench(o, model.context());
  Runs runs(model, o);
  BenchResult result;
  const double prompt_tokens = static_cast<double>(o.prompt) * o.batch;
  const double generated = static_cast<double>(o.generate) * o.batch;
  BenchPhase prefill{
      .name = "prefill",
      .rows = static_cast<int32_t>(std::min<int64_t>(int64_t{o.prompt} * o.batch, model.limits().rows)),
      .depth = o.depth,
      .batch = o.batch};
  BenchPhase decode{.name = "decode", .rows = o.batch, .depth = o.depth, .batch = o.batch};
  runs.prompts(0, std::max(o.depth, 1));  // fills the cache, touches all weights
  for (int32_t r = 0; r < o.repeat; ++r) {
    if (o.prompt > 0)
      prefill.tokens_per_s.push_back(prompt_tokens / runs.prompts(o.depth, o.depth + o.prompt));
    if (o.generate > 0) decode.tokens_per_s.push_back(generated / runs.decode());
  }
  result.last_logits = runs.last_logits();
  if (o.prompt > 0) {
    finish(prefill, model,
           {.steps = static_cast<double>(runs.prompt_steps(o.prompt)),
            .steps_with_logits = 1,
            .rows = prompt_tokens,
            .wanted_rows = static_cast<double>(o.batch)});
    result.phases.push_back(prefill);
  }
  if (o.generate > 0) {
    finish(decode, model,
           {.steps = static_cast<double>(o.generate),
            .steps_with_logits = static_cast<double>(o.generate),
            .rows = generated,
            .wanted_rows = generated});
    result.phases.push_back(decode);
  }
  return result;
}

}  // namespace yoke
