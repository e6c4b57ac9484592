// `yoke quantize`: writes a model in another format.
#include <cstdio>
#include <memory>

#include "base/cpu_topology.h"
#include "base/error.h"
#include "command.h"
#include "convert/quantize_model.h"
#include "interrupt.h"
#include "progress.h"

namespace yoke::cli {
namespace {

struct QuantizeArguments {
  std::string in, out, type;
  int threads = 0;
  bool json = false;
};

int run(const QuantizeArguments& a) {
  const QuantizeType type = QuantizeType::parse(a.type);
  const GgufFile in = GgufFile::open(a.in);
  std::vector<QuantizedTensor> tensors;
  {
    InterruptGuard guard;
    Progress progress("quantizing");
    const int threads =
        a.threads > 0 ? a.threads : plan_team(detect_cpu_topology(), cgroup_cpu_limit(), 0).threads;
    tensors = quantize_model(
        in, a.out, {.type = type, .threads = threads, .progress = [&](uint64_t done, uint64_t total) {
                      progress.update(done, total);
                    }});
  }
  int fallbacks = 0;
  Json counts = Json::object();
  for (const QuantizedTensor& t : tensors) {
    counts[t.to] = counts.value(t.to, 0) + 1;
    if (!t.fell_back) continue;
    ++fallbacks;
    std::fprintf(stderr, "%s: %s instead of %s, whose block does not divide its rows\n", t.name.c_str(),
                 t.to.c_str(), t.asked.c_str());
  }
  const GgufFile out = GgufFile::open(a.out);
  if (a.json) {
    print_json({{"type", type.name()},
                {"tensors", tensors.size()},
                {"fallbacks", fallbacks},
                {"types", counts},
                {"bytes_in", in.total_bytes()},
                {"bytes_out", out.total_bytes()}});
  } else {
    std::printf("%s: %zu matrices as %s, %d with a fallback; %.1f MB from %.1f MB\n", a.out.c_str(),
                tensors.size(), type.name().c_str(), fallbacks, static_cast<double>(out.total_bytes()) / 1e6,
                static_cast<double>(in.total_bytes()) / 1e6);
  }
  return 0;
}

}  // namespace

Runner declare_quantize(CLI::App& app) {
  auto a = std::make_shared<QuantizeArguments>();
  std::string known;
  for (const std::string& name : QuantizeType::known_names()) known += " " + name;
  app.add_option("IN", a->in, "GGUF file to read")->required();
  app.add_option("OUT", a->out, "GGUF file to write")->required();
  app.add_option("--type", a->type, "one of" + known)->type_name("TYPE")->required();
  app.add_option("-t,--threads", a->threads, "threads")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->default_str("0: the physical cores that this process may use");
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace yoke::cli
