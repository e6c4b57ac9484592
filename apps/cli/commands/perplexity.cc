// `yoke perplexity`: scores a text, writes logits, compares with others.
#include "engine/perplexity.h"

#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "command.h"
#include "interrupt.h"
#include "load_model.h"
#include "model_options.h"
#include "npy.h"
#include "progress.h"
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

std::vector<int32_t> scored_tokens(const PerplexityArguments& a, const Net& net, const Tokenizer& tokenizer) {
  if (!a.tokens.empty()) {
    std::vector<int32_t> ids = read_tokens(a.tokens);
    check_tokens(ids, net.vocabulary, a.tokens);
    return ids;
  }
  std::string text = read_text_file(a.file);
  if (text.ends_with('\n')) text.pop_back();
  return tokenizer.encode(text, {.parse_special = false, .add_special = true});
}

int run(const PerplexityArguments& a) {
  if (a.file.empty() == a.tokens.empty())
    fail(ErrorKind::kUsage, "reading the command line", "either -f FILE or --tokens FILE is needed");
  ModelOptions options = a.model.parsed();
  options.sequences = a.parallel;
  options.all_logits = true;
  if (options.context == 0)
    fail(ErrorKind::kUsage, "reading --ctx", "perplexity needs the length of its chunks");
  InterruptGuard guard;
  std::vector<int32_t> tokens;
  const std::unique_ptr<Model> model =
      load_model(options, [&](const PlannedModel& planned, const Tokenizer& tokenizer) {
        tokens = scored_tokens(a, planned.net, tokenizer);
        check_perplexity(static_cast<int64_t>(tokens.size()), options.context);
      });

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
  Divergence divergence(positions);
  PerplexityOptions scoring{.chunk_tokens = static_cast<int32_t>(options.context),
                            .parallel = a.parallel,
                            .step_rows = options.chunk};
  if (a.tokens.empty() && model->tokenizer().add_bos()) scoring.bos = model->tokenizer().bos();
  scoring.on_logits = [&](int64_t position, std::span<const float> logits) {
    if (writer) writer->write(position, logits);
    if (reader) divergence.add(position, reader->row(position), logits);
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
  const auto add = [&](const char* names, std::string& to, const char* what) {
    app.add_option(names, to, what)->type_name("FILE");
  };
  add("-f,--file", a->file, "text to score; one trailing newline is dropped; -: stdin");
  add("--tokens", a->tokens, "token ids instead, {\"tokens\": [...]}, taken exactly as they are");
  app.add_option("--parallel", a->parallel, "chunks computed side by side")
      ->type_name("N")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  add("--logits", a->logits, "write all logits to this .npy file");
  add("--compare", a->compare, "logits of another run (.npy): prints the divergence from them");
  add_json(app, a->json);
  add_model_options(app, a->model, "512; it is the length of a chunk");
  return [a] { return run(*a); };
}

}  // namespace yoke::cli
