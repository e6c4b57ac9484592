// `yoke run`: one answer, or a chat.
#include <cstdio>
#include <memory>
#include <random>

#include "base/error.h"
#include "command.h"
#include "interrupt.h"
#include "line_reader.h"
#include "load_model.h"
#include "model_options.h"
#include "results.h"
#include "session.h"

namespace yoke::cli {
namespace {

struct RunArguments {
  ModelArguments model;
  SessionOptions session;
  std::string prompt, file;
  bool json = false;
};

void add_sampling(CLI::App& app, SamplingParams& s) {
  const auto add = [&](const char* name, auto& to, const char* value, const char* what) {
    return app.add_option(name, to, what)->type_name(value)->group("Sampling");
  };
  add("--temp", s.temperature, "X", "temperature; 0: always the most likely token")->capture_default_str();
  add("--top-k", s.top_k, "N", "only the N most likely tokens; 0: all")->capture_default_str();
  add("--top-p", s.top_p, "P", "only the most likely tokens that together reach this probability")
      ->capture_default_str();
  add("--min-p", s.min_p, "P", "only tokens at least this fraction as likely as the most likely")
      ->capture_default_str();
  add("--repeat-penalty", s.penalties.repeat, "X", "makes tokens already used less likely; 1: off")
      ->capture_default_str();
  add("--presence-penalty", s.penalties.presence, "X", "subtracted once for a token already used")
      ->capture_default_str();
  add("--frequency-penalty", s.penalties.frequency, "X", "subtracted for each use of a token")
      ->capture_default_str();
  add_seed(app, s.seed, "the same seed gives the same answer (default another one each time)")
      ->group("Sampling");
}

double rate(int64_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

double prefill_rate(const Answer& a) {
  return rate(a.prompt_tokens - a.reused_tokens, a.prefill_s);
}

double decode_rate(const Answer& a) {
  return rate(a.decode_steps, a.decode_s);
}

void report(const Answer& answer) {
  std::fprintf(stderr, "[%lld prompt tokens, %.1f/s; %zu answer tokens, %.1f/s; %s]\n",
               static_cast<long long>(answer.prompt_tokens), prefill_rate(answer), answer.tokens.size(),
               decode_rate(answer), name(answer.reason));
}

Json answer_json(const Answer& answer, const std::string& text, uint64_t seed, const Model& model) {
  return {{"text", text},
          {"tokens", answer.tokens},
          {"prompt_tokens", answer.prompt_tokens},
          {"finish_reason", name(answer.reason)},
          {"seed", seed},
          {"prefill_tokens_per_s", prefill_rate(answer)},
          {"decode_tokens_per_s", decode_rate(answer)},
          {"logits_hash", logits_hash(answer.last_logits)},
          {"placement", placement_json(model)}};
}

int answer_once(const RunArguments& a, const ModelOptions& options) {
  const std::string text = a.file.empty() ? a.prompt : read_text_file(a.file);
  std::vector<int32_t> prompt;
  const std::unique_ptr<Model> model =
      load_model(options, [&](const PlannedModel& planned, const Tokenizer& tokenizer) {
        prompt = Conversation(a.session).prompt_for(tokenizer, text);
        check_prompt(prompt.size(), planned.plan.context);
      });
  Session session(*model, a.session, options.chunk);
  const Answer answer = session.answer(std::move(prompt), !a.json);
  if (a.json) {
    print_json(answer_json(answer, session.text(), a.session.sampling.seed, *model));
  } else {
    write_out("\n");
    report(answer);
  }
  return answer.reason == FinishReason::kCancelled ? 130 : 0;
}

int chat(const RunArguments& a, const ModelOptions& options) {
  const std::unique_ptr<Model> model = load_model(options);
  Conversation conversation(a.session);
  Session session(*model, a.session, options.chunk);
  LineReader lines;
  if (lines.terminal())
    std::fprintf(stderr, "Type a message; Ctrl-C stops an answer, Ctrl-D ends the chat.\n");
  std::string line;
  while (true) {
    InterruptGuard::reset();
    if (!lines.next(line)) {
      if (!InterruptGuard::interrupted()) break;
      std::fputs("\n", stderr);
      continue;
    }
    if (line.empty()) continue;
    try {
      const Answer answer = session.answer(conversation.prompt_for(model->tokenizer(), line), true);
      conversation.keep_answer(session.text());
      write_out("\n");
      report(answer);
    } catch (const Error& e) {  // a turn that is too long does not end the chat
      if (e.kind() != ErrorKind::kUsage) throw;
      conversation.forget_turn();
      std::fprintf(stderr, "yoke: %s\n", e.what());
    }
  }
  std::fputs("\n", stderr);
  return 0;
}

int run(const CLI::App& app, RunArguments& a) {
  if (app.count("--seed") == 0) a.session.sampling.seed = std::random_device{}();
  check(a.session.sampling);
  const ModelOptions options = a.model.parsed();
  const bool once = app.count("--prompt") > 0 || app.count("--file") > 0;
  if (a.json && !once) fail(ErrorKind::kUsage, "reading the command line", "--json needs -p TEXT or -f FILE");
  InterruptGuard guard;
  return once ? answer_once(a, options) : chat(a, options);
}

}  // namespace

Runner declare_run(CLI::App& app) {
  auto a = std::make_shared<RunArguments>();
  SamplingParams& sampling = a->session.sampling;
  sampling.temperature = 0.8F;
  sampling.top_k = 40;
  sampling.top_p = 0.95F;
  sampling.min_p = 0.05F;
  auto* prompt =
      app.add_option("-p,--prompt", a->prompt, "the prompt; without -p and -f: a chat")->type_name("TEXT");
  app.add_option("-f,--file", a->file, "the prompt from a file, its bytes as they are; -: stdin")
      ->type_name("FILE")
      ->excludes(prompt);
  app.add_option("-n,--tokens", a->session.most_tokens,
                 "most tokens of an answer (default as many as the context allows)")
      ->type_name("N")
      ->check(CLI::Range(int64_t{-1}, int64_t{1} << 40));
  app.add_option("--system", a->session.system, "the system message")->type_name("TEXT");
  app.add_flag("--raw", a->session.raw, "the text as it is, without the model's chat template");
  add_json(app, a->json);
  add_sampling(app, sampling);
  add_model_options(app, a->model);
  return [a, &app] { return run(app, *a); };
}

}  // namespace yoke::cli
