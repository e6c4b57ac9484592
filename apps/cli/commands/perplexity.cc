// `yoke perplexity`: scores a text, writes logits, compares with others.
#include "engine/perplexity.h"

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "command.h"
#include "model_options.h"
#include "npy.h"
#include "results.h"
#include "tokens_json.h"

namespace yoke::cli {
namespace {

struct PerplexityArguments {
  ModelArguments model;
  std::string file, tokens, logits, compare;
  int32_t parallel = 1;
  bool json = false;
};

std::vector<int32_t> scored_tokens(const PerplexityArguments& a, const Model& model) {
  if (!a.tokens.empty()) {
    std::vector<int32_t> ids = read_tokens(a.tokens);
    for (const int32_t id : ids) {
      if (id < 0 || id >= model.net().vocabulary) {
        fail(ErrorKind::kBadFile, "reading " + a.tokens,
             "token " + std::to_string(id) + " is out of range (" + std::to_string(model.net().vocabulary) +
                 " tokens)");
      }
    }
    return ids;
  }
  std::string text = read_text_file(a.file);
  if (text.ends_with('\n')) text.pop_back();
  return model.tokenizer().encode(text, {.parse_special = false, .add_special = true});
}

int run(const PerplexityArguments& a) {
  if (a.file.empty() == a.tokens.empty())
    fail(ErrorKind::kUsage, "reading the command line", "either -f FILE or --tokens FILE is needed");
  ModelOptions options = a.model.parsed();
  options.sequences = a.parallel;
  options.all_logits = true;
  if (options.context == 0)
    fail(ErrorKind::kUsage, "reading --ctx", "perplexity needs the length of its chunks");
  Progress loading("loading");
  options.progress = [&](uint64_t done, uint64_t total) { loading.update(done, total); };
  const std::unique_ptr<Model> model = Model::load(options);

  const std::vector<int32_t> tokens = scored_tokens(a, *model);
  const int64_t positions = static_cast<int64_t>(tokens.size()) / options.context * options.context;
  std::unique_ptr<NpyWriter> writer;
  std::unique_ptr<NpyReader> reader;
  if (!a.logits.empty()) writer = std::make_unique<NpyWriter>(a.logits, positions, model->net().vocabulary);
  if (!a.compare.empty()) {
    reader = std::make_unique<NpyReader>(a.compare);
    if (reader->rows() != positions || reader->cols() != model->net().vocabulary) {
      fail(ErrorKind::kBadFile, "reading " + a.compare,
           "its shape is [" + std::to_string(reader->rows()) + ", " + std::to_string(reader->cols()) +
               "], but this run makes [" + std::to_string(positions) + ", " +
               std::to_string(model->net().vocabulary) + "]");
    }
  }
  Divergence divergence;
  PerplexityOptions scoring{.chunk_tokens = static_cast<int32_t>(options.context),
                            .parallel = a.parallel,
                            .step_rows = options.chunk};
  if (a.tokens.empty() && model->tokenizer().add_bos()) scoring.bos = model->tokenizer().bos();
  scoring.on_logits = [&](int64_t, std::span<const float> logits) {
    if (writer) writer->append(logits);
    if (reader) divergence.add(reader->next(), logits);
  };
  Progress progress("scoring");
  scoring.progress = [&](int64_t done, int64_t total) {
    progress.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
  };
  const PerplexityResult result = perplexity(*model, tokens, scoring);
  if (writer) writer->close();

  if (a.json) {
    Json out = {{"perplexity", result.perplexity}, {"tokens", result.scored}, {"chunks", result.chunks}};
    if (reader) {
      out["mean_kl"] = divergence.mean_kl();
      out["p99_kl"] = divergence.p99_kl();
      out["top1"] = divergence.top1();
    }
    out["logits_hash"] = logits_hash(result.last_logits);
    out["placement"] = placement_json(*model);
    print_json(out);
    return 0;
  }
  std::printf("perplexity %.4f over %lld predictions in %lld chunks\n", result.perplexity,
              static_cast<long long>(result.scored), static_cast<long long>(result.chunks));
  if (reader)
    std::printf("mean KL %.6g, 99th percentile %.6g, same top token %.2f %%\n", divergence.mean_kl(),
                divergence.p99_kl(), 100 * divergence.top1());
  return 0;
}

}  // namespace

Runner declare_perplexity(CLI::App& app) {
  auto a = std::make_shared<PerplexityArguments>();
  a->model.options.context = 512;
  add_model_options(app, a->model);
  app.add_option("-f,--file", a->file, "text to score; one trailing newline is dropped; -: stdin");
  app.add_option("--tokens", a->tokens, "token ids instead, {\"tokens\": [...]}, taken exactly as they are");
  app.add_option("--parallel", a->parallel, "chunks computed side by side")->check(CLI::Range(1, 4096));
  app.add_option("--logits", a->logits, "write all logits to this .npy file");
  app.add_option("--compare", a->compare, "logits of another run (.npy): prints the divergence from them");
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace yoke::cli
