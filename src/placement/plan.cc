#include "placement/plan.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "cache/sequence_blocks.h"
#include "placement/fit.h"
#include "placement/support.h"

namespace yoke {
namespace {

constexpr int64_t kMostContext = int64_t{1} << 30;

// What was decided, or why it cannot be.
struct Decision {
  Division division;
  int64_t context = 0;
  std::optional<Shortage> shortage;
};

class Planner {
 public:
  explicit Planner(const PlanRequest& request)
      : request_(checked(request)),
        net_(*request_.net),
        rule_device_(apply_rules(request_.place, net_, request_.machine)),
        fitter_(request_, rule_device_) {}

  Plan run() {
    const GpuLayers wanted = settled();
    if (wanted.kind == GpuLayers::Kind::kAuto) leave_out_unable();
    const Decision decision = decide(wanted, request_.context);
    if (decision.shortage) refuse(wanted, decision);
    return describe(decision);
  }

 private:
  static PlanRequest checked(PlanRequest r) {
    const std::string doing = "planning";
    if (r.machine.devices.empty() || !is_host(r.machine.devices.back().kind)) {
      fail(ErrorKind::kUsage, doing, "no CPU is among the devices");
    }
    if (r.context < 0 || r.context > kMostContext) {
      fail(ErrorKind::kUsage, doing,
           "a context of " + std::to_string(r.context) + " tokens (0 to 2^30 can be asked)");
    }
    if (r.rows < 1 || r.wanted < 1 || r.sequences < 1) {
      fail(ErrorKind::kUsage, doing, "a step needs at least one row, one wanted row and one sequence");
    }
    // No step is larger than everything that the context can hold.
    if (r.context > 0) r.rows = static_cast<int32_t>(std::min<int64_t>(r.rows, r.context * r.sequences));
    r.wanted = std::min(r.wanted, r.rows);
    const int64_t longest = r.context > 0 ? r.context : std::max(1, r.net->trained_context);
    if (pool_blocks(r, longest) > INT32_MAX) {
      fail(ErrorKind::kUsage, doing,
           std::to_string(r.sequences) + " sequences of " + std::to_string(longest) +
               " tokens are more cache blocks than can be numbered");
    }
    return r;
  }

  // More blocks than there are means all; a wish for a GPU without one is an error.
  GpuLayers settled() const {
    GpuLayers wanted = request_.gpu_layers;
    if (wanted.kind == GpuLayers::Kind::kCount && wanted.count > net_.layers)
      wanted = {GpuLayers::Kind::kAll, 0};
    const bool none = wanted.kind == GpuLayers::Kind::kCount && wanted.count == 0;
    if (fitter_.gpus().empty() && wanted.kind != GpuLayers::Kind::kAuto && !none) {
      fail(ErrorKind::kUsage, "planning --gpu-layers " + to_text(request_.gpu_layers),
           "no GPU device is in use (--devices names one; `yoke devices` lists them)");
    }
    return wanted;
  }

  // `auto` does without a GPU that cannot run some op of a block.
  void leave_out_unable() {
    for (const int32_t gpu : std::vector<int32_t>(fitter_.gpus())) {
      if (!request_.machine.devices[static_cast<size_t>(gpu)].device) continue;
      Division all = fitter_.none();
      all.blocks[static_cast<size_t>(gpu)] = net_.layers;
      const Support support =
          ask_devices(net_, fitter_.candidate(all).program, request_.machine, request_.kv);
      for (const OpRefusal& refusal : support.unsupported) {
        if (refusal.device != gpu || refusal.layer < 0) continue;
        fitter_.leave_out(gpu);
        notes_.push_back(request_.machine.devices[static_cast<size_t>(gpu)].name +
                         " gets no blocks, it cannot run " + refusal.text);
        break;
      }
    }
  }

  Decision decide(const GpuLayers& wanted, int64_t context) {
    if (context > 0) return solve(wanted, context);
    const int64_t trained = std::max<int64_t>(1, net_.trained_context);
    Decision longest = solve(wanted, trained);
    if (!longest.shortage) return longest;
    return largest_context(wanted, trained).value_or(longest);
  }

  // The largest context below one that does not fit; none where not even one position fits.
  std::optional<Decision> largest_context(const GpuLayers& wanted, int64_t too_large) {
    std::optional<Decision> best;
    int64_t low = 0, high = too_large;  // in positions
    while (high - low > 1) {
      // Whole cache blocks while there are several: a part of one costs as much.
      int64_t middle = low + (high - low) / 2;
      if (high - low > 2 * kBlockPositions)
        middle = (middle + kBlockPositions - 1) / kBlockPositions * kBlockPositions;
      Decision tried = solve(wanted, middle);
      if (tried.shortage) {
        high = middle;
      } else {
        low = middle;
        best = std::move(tried);
      }
    }
    return best;
  }

  Decision solve(const GpuLayers& wanted, int64_t context) {
    if (wanted.kind == GpuLayers::Kind::kAuto) return solve_auto(context);
    const bool all = wanted.kind == GpuLayers::Kind::kAll;
    return solve_count(all ? net_.layers : wanted.count, all, context);
  }

  Decision solve_auto(int64_t context) {
    Division division = fitter_.filled(net_.layers, context);
    if (division.gpu_blocks() == net_.layers && net_.layers > 0) {
      Division with_head = division;
      with_head.head = true;
      if (!fitter_.shortage(with_head, context) && runs_head(with_head)) return {with_head, context, {}};
    }
    // Each GPU was filled as if none came behind it: take blocks back while that was too much.
    auto shortage = fitter_.shortage(division, context);
    for (size_t d = division.blocks.size(); shortage && d-- > 0;) {
      Division fewer = division;
      while (fewer.blocks[d] > 0) {
        --fewer.blocks[d];
        const auto still = fitter_.shortage(fewer, context);
        if (!still) return {fewer, context, {}};
      }
      division.blocks[d] = 0;
    }
    return shortage ? Decision{fitter_.filled(net_.layers, context), context, shortage}
                    : Decision{division, context, {}};
  }

  bool runs_head(const Division& division) {
    const Support support =
        ask_devices(net_, fitter_.candidate(division).program, request_.machine, request_.kv);
    return std::ranges::none_of(support.unsupported, [&](const OpRefusal& r) {
      return !is_host(request_.machine.devices[static_cast<size_t>(r.device)].kind);
    });
  }

  Decision solve_count(int32_t count, bool head, int64_t context) {
    if (count == 0 && !head) return {fitter_.none(), context, fitter_.shortage(fitter_.none(), context)};
    const Division shared = fitter_.proportional(count, head, context);
    auto shortage = fitter_.shortage(shared, context);
    if (!shortage) return {shared, context, {}};
    Division filled = fitter_.filled(count, context);
    filled.head = head;
    if (filled.gpu_blocks() == count && !fitter_.shortage(filled, context)) return {filled, context, {}};
    return {shared, context, shortage};
  }

  [[noreturn]] void refuse(const GpuLayers& wanted, const Decision& decision) {
    std::string nearest;
    const auto suggest = [&](const std::string& options) {
      nearest += (nearest.empty() ? "" : ", or ") + options;
    };
    const auto suggest_context = [&](const GpuLayers& layers) {
      if (const auto shorter = largest_context(layers, decision.context)) {
        suggest("--gpu-layers " + to_text(layers) + " --ctx " + std::to_string(shorter->context));
      }
    };
    const GpuLayers automatic;
    if (wanted.kind != GpuLayers::Kind::kAuto) {
      if (const auto fewer = fewer_blocks(wanted, decision.context)) {
        suggest("--gpu-layers " + std::to_string(*fewer) + " --ctx " + std::to_string(decision.context));
      }
    }
    suggest_context(wanted);
    if (nearest.empty() && wanted.kind != GpuLayers::Kind::kAuto) suggest_context(automatic);
    fail(ErrorKind::kDoesNotFit,
         "planning --gpu-layers " + to_text(wanted) + " --ctx " + std::to_string(decision.context),
         "it does not fit: " + decision.shortage->text + "; " +
             (nearest.empty()
                  ? "no number of GPU blocks and no context fit (a smaller model, --kv-type q8_0 or a "
                    "smaller --chunk may)"
                  : "what fits: " + nearest));
  }

  std::optional<int32_t> fewer_blocks(const GpuLayers& wanted, int64_t context) {
    // `all` without the head is all blocks. More blocks need more memory on every GPU: the largest number
    // that fits is found by halving.
    int32_t too_many = wanted.kind == GpuLayers::Kind::kAll ? net_.layers + 1 : wanted.count;
    std::optional<int32_t> fits;
    for (int32_t low = -1; too_many - low > 1;) {
      const int32_t count = low + (too_many - low) / 2;
      if (solve_count(count, false, context).shortage) {
        too_many = count;
      } else {
        low = count;
        fits = count;
      }
    }
    return fits;
  }

  Plan describe(const Decision& decision) {
    const Candidate& candidate = fitter_.candidate(decision.division);
    const Support support = ask_devices(net_, candidate.program, request_.machine, request_.kv);
    if (!support.unsupported.empty()) {
      const OpRefusal& first = support.unsupported.front();
      fail(ErrorKind::kUsage, "planning",
           request_.machine.devices[static_cast<size_t>(first.device)].name + " cannot run " + first.text +
               " (--gpu-layers and --place choose where it runs)");
    }
    Plan plan;
    plan.placement = candidate.placement;
    plan.program = candidate.program;
    plan.weights = candidate.weights;
    plan.devices = fitter_.sizes(candidate, decision.context);
    plan.context = decision.context;
    plan.cache_blocks = static_cast<int32_t>(pool_blocks(request_, decision.context));
    plan.program.limits.blocks_per_sequence = blocks_for(decision.context);
    plan.kv = request_.kv;
    plan.gpu_layers = decision.division.head
                          ? GpuLayers{GpuLayers::Kind::kAll, 0}
                          : GpuLayers{GpuLayers::Kind::kCount, decision.division.gpu_blocks()};
    name_layers(plan);
    plan.not_bitwise = support.not_bitwise;
    plan.prediction = predict_decode(net_, plan.program, request_.machine, request_.kv, 0);
    plan.notes = notes_;
    return plan;
  }

  void name_layers(Plan& plan) const {
    std::vector<std::set<int32_t>> devices(static_cast<size_t>(net_.layers));
    for (size_t i = 0; i < net_.ops.size(); ++i) {
      const NetOp& net_op = net_.ops[i];
      const int32_t device = plan.placement.op_device[i];
      for_each_write(net_op.op, [&](const ValueId& out) {
        if (out == net_.logits) plan.head_device = device;
      });
      if (net_op.layer < 0) continue;
      auto& layer = devices[static_cast<size_t>(net_op.layer)];
      layer.insert(device);
      if (const auto* gated = std::get_if<GatedLinear>(&net_op.op)) {
        layer.insert(plan.placement.weight_device[static_cast<size_t>(index(gated->gate))]);
        layer.insert(plan.placement.weight_device[static_cast<size_t>(index(gated->up))]);
      }
    }
    for (const auto& layer : devices) plan.layer_devices.emplace_back(layer.begin(), layer.end());
  }

  PlanRequest request_;
  const Net& net_;
  std::vector<int32_t> rule_device_;
  Fitter fitter_;
  std::vector<std::string> notes_;
};

}  // namespace

Plan make_plan(const PlanRequest& request) {
  return Planner(request).run();
}

}  // namespace yoke
