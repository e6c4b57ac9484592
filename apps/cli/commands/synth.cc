// `yoke synth`: a model of random weights in the shape of a known one.
#include "convert/synth.h"

#include <cstdio>
#include <memory>

#include "base/cpu_topology.h"
#include "command.h"
#include "gguf/gguf_file.h"
#include "interrupt.h"
#include "progress.h"

namespace yoke::cli {
namespace {

struct SynthArguments {
  std::string like, type = "Q8_0", out;
  SynthShape changed{};
  uint64_t seed = 1;
  int threads = 0;
  bool json = false;
};

// What the command line changes of the known shape.
struct Change {
  const char* option;
  const char* what;
  int64_t SynthShape::*field;
};
constexpr Change kChanges[] = {
    {"--layers", "transformer blocks", &SynthShape::layers},
    {"--hidden", "width of the residual stream", &SynthShape::hidden},
    {"--heads", "query heads", &SynthShape::heads},
    {"--kv-heads", "key and value heads", &SynthShape::kv_heads},
    {"--head-dim", "dimensions of a head", &SynthShape::head_dim},
    {"--feed-forward", "width of the feed-forward part", &SynthShape::feed_forward},
    {"--vocabulary", "tokens", &SynthShape::vocabulary},
    {"--context", "trained context", &SynthShape::context}};

int run(const CLI::App& app, const SynthArguments& a) {
  SynthOptions options;
  options.shape = synth_shape(a.like);
  for (const Change& change : kChanges) {
    if (app.count(change.option) > 0) options.shape.*change.field = a.changed.*change.field;
  }
  options.type = QuantizeType::parse(a.type);
  options.seed = a.seed;
  options.threads =
      a.threads > 0 ? a.threads : plan_team(detect_cpu_topology(), cgroup_cpu_limit(), 0).threads;
  {
    InterruptGuard guard;
    Progress progress("writing");
    options.progress = [&](uint64_t done, uint64_t total) { progress.update(done, total); };
    synth_model(a.out, options);
  }
  const GgufFile made = GgufFile::open(a.out);
  if (a.json) {
    print_json({{"path", a.out},
                {"type", options.type.name()},
                {"bytes", made.total_bytes()},
                {"tensors", made.tensors().size()}});
  } else {
    std::printf("%s: %zu tensors, %.1f MB\n", a.out.c_str(), made.tensors().size(),
                static_cast<double>(made.total_bytes()) / 1e6);
  }
  return 0;
}

}  // namespace

Runner declare_synth(CLI::App& app) {
  auto a = std::make_shared<SynthArguments>();
  std::string known;
  for (const SynthShape& shape : synth_shapes()) known += " " + std::string(shape.name);
  app.add_option("OUT", a->out, "GGUF file to write")->required();
  app.add_option("--like", a->like, "the shape, one of" + known)->type_name("SHAPE")->required();
  app.add_option("--type", a->type, "format of the matrices, as for quantize")
      ->type_name("TYPE")
      ->capture_default_str();
  for (const Change& change : kChanges)
    app.add_option(change.option, a->changed.*change.field, change.what)->type_name("N");
  add_seed(app, a->seed, "seed of the weights")->capture_default_str();
  app.add_option("-t,--threads", a->threads, "threads")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->default_str("0: the physical cores that this process may use");
  add_json(app, a->json);
  return [a, &app] { return run(app, *a); };
}

}  // namespace yoke::cli
