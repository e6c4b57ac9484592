// `yoke run`: one answer, or a chat.
#include <histedit.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <random>

#include "base/error.h"
#include "command.h"
#include "engine/engine.h"
#include "model_options.h"
#include "results.h"
#include "text/chat.h"
#include "text/stream_decoder.h"

namespace yoke::cli {
namespace {

struct RunArguments {
  ModelArguments model;
  std::string prompt, file, system;
  int64_t most_tokens = -1;
  bool raw = false, json = false;
  SamplingParams sampling;
};

void add_sampling(CLI::App& app, SamplingParams& s) {
  app.add_option("--temp", s.temperature, "temperature; 0: always the most likely token")
      ->capture_default_str();
  app.add_option("--top-k", s.top_k, "only the k most likely tokens; 0: all")->capture_default_str();
  app.add_option("--top-p", s.top_p, "only the most likely tokens that reach this probability")
      ->capture_default_str();
  app.add_option("--min-p", s.min_p, "only tokens at least this fraction as likely as the most likely")
      ->capture_default_str();
  app.add_option("--repeat-penalty", s.penalties.repeat, "makes tokens already used less likely; 1: off")
      ->capture_default_str();
  app.add_option("--presence-penalty", s.penalties.presence, "subtracted once for a token already used")
      ->capture_default_str();
  app.add_option("--frequency-penalty", s.penalties.frequency, "subtracted for each use of a token")
      ->capture_default_str();
  app.add_option("--seed", s.seed, "seed of the random numbers; without it a new one each time");
}

class Session {
 public:
  Session(const RunArguments& a, Model& model)
      : a_(a),
        model_(model),
        engine_(model, {.step_rows = a.model.options.chunk, .context = model.context()}) {
    if (!a.system.empty()) messages_.push_back({.role = "system", .content = a.system});
  }

  // What the model is given for this text: the conversation so far, rendered by its own template, or the text
  // alone.
  std::vector<int32_t> prompt_for(const std::string& text) {
    const Tokenizer& tokenizer = model_.tokenizer();
    if (a_.raw) return tokenizer.encode(text, {});
    messages_.push_back({.role = "user", .content = text});
    return encode_chat(tokenizer, render_chat(tokenizer, messages_));
  }

  Answer answer(std::vector<int32_t> prompt, bool show) {
    StreamDecoder decoder(model_.tokenizer(), {}, true);
    const auto shown = [&](const std::string& piece) {
      text_ += piece;
      if (show) std::cout << piece << std::flush;
    };
    text_.clear();
    const std::span<const int32_t> ends = model_.tokenizer().end_tokens();
    Answer result = engine_.run({.prompt = std::move(prompt),
                                 .most_tokens = a_.most_tokens,
                                 .sampling = a_.sampling,
                                 .end_tokens = {ends.begin(), ends.end()},
                                 .on_token =
                                     [&](int32_t token) {
                                       shown(decoder.push(token));
                                       return !InterruptGuard::interrupted();
                                     },
                                 .keep_cache = true});
    shown(decoder.flush());
    return result;
  }

  void keep_turn() { messages_.push_back({.role = "assistant", .content = text_}); }
  void forget_turn() { messages_.pop_back(); }
  const std::string& text() const { return text_; }

 private:
  const RunArguments& a_;
  Model& model_;
  Engine engine_;
  std::vector<ChatMessage> messages_;
  std::string text_;
};

double rate(size_t tokens, double seconds) {
  return seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

double prefill_rate(const Answer& a) {
  return rate(static_cast<size_t>(a.prompt_tokens - a.reused_tokens), a.prefill_s);
}

double decode_rate(const Answer& a) {
  return a.tokens.size() < 2 ? 0 : rate(a.tokens.size() - 1, a.decode_s);
}

void report(const Answer& answer) {
  std::fprintf(stderr, "\n[%lld prompt tokens, %.1f/s; %zu answer tokens, %.1f/s; %s]\n",
               static_cast<long long>(answer.prompt_tokens), prefill_rate(answer), answer.tokens.size(),
               decode_rate(answer), name(answer.reason));
}

int answer_once(const RunArguments& a, Model& model, Session& session) {
  std::string text = a.prompt;
  if (!a.file.empty()) text = read_text_file(a.file);
  const Answer answer = session.answer(session.prompt_for(text), !a.json);
  if (a.json) {
    print_json({{"text", session.text()},
                {"tokens", answer.tokens},
                {"prompt_tokens", answer.prompt_tokens},
                {"finish_reason", name(answer.reason)},
                {"seed", a.sampling.seed},
                {"prefill_tokens_per_s", prefill_rate(answer)},
                {"decode_tokens_per_s", decode_rate(answer)},
                {"logits_hash", logits_hash(answer.last_logits)},
                {"placement", placement_json(model)}});
  } else {
    report(answer);
  }
  return answer.reason == FinishReason::kCancelled ? 130 : 0;
}

// Lines from a terminal with editing and a history; from a pipe as they come.
class LineReader {
 public:
  LineReader() : terminal_(isatty(STDIN_FILENO) == 1) {
    if (!terminal_) return;
    edit_ = el_init("yoke", stdin, stderr, stderr);
    history_ = history_init();
    HistEvent event;
    history(history_, &event, H_SETSIZE, 1000);
    el_set(
        edit_, EL_PROMPT, +[](EditLine*) -> char* {
          static char prompt[] = "> ";
          return prompt;
        });
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_HIST, history, history_);
    el_set(edit_, EL_SIGNAL, 0);
  }
  ~LineReader() {
    if (edit_) el_end(edit_);
    if (history_) history_end(history_);
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  bool next(std::string& line) {
    if (!terminal_) return static_cast<bool>(std::getline(std::cin, line));
    int count = 0;
    const char* read = el_gets(edit_, &count);
    if (!read || count <= 0) return false;
    line.assign(read, static_cast<size_t>(count));
    if (line.ends_with('\n')) line.pop_back();
    HistEvent event;
    if (!line.empty()) history(history_, &event, H_ENTER, line.c_str());
    return true;
  }

 private:
  bool terminal_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
};

int chat(Session& session) {
  std::fprintf(stderr, "Type a message; Ctrl-C stops an answer, Ctrl-D ends the chat.\n");
  LineReader lines;
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
      const Answer answer = session.answer(session.prompt_for(line), true);
      session.keep_turn();
      std::cout << std::endl;
      report(answer);
    } catch (const Error& e) {  // a turn that fails, such as one too long, does not end the chat
      session.forget_turn();
      std::fprintf(stderr, "yoke: %s\n", e.what());
    }
  }
  std::fputs("\n", stderr);
  return 0;
}

int run(const CLI::App& app, RunArguments& a) {
  if (app.count("--seed") == 0) a.sampling.seed = std::random_device{}();
  check(a.sampling);
  ModelOptions options = a.model.parsed();
  const bool once = app.count("-p") > 0 || !a.file.empty();
  if (a.json && !once) fail(ErrorKind::kUsage, "reading the command line", "--json needs -p TEXT or -f FILE");
  InterruptGuard guard;
  std::unique_ptr<Model> model;
  {
    Progress loading("loading");
    options.progress = [&](uint64_t done, uint64_t total) {
      if (InterruptGuard::interrupted()) throw Error(ErrorKind::kRuntime, "loading: interrupted");
      loading.update(done, total);
    };
    try {
      model = Model::load(options);
    } catch (const Error&) {
      if (InterruptGuard::interrupted()) return 130;
      throw;
    }
  }
  Session session(a, *model);
  return once ? answer_once(a, *model, session) : chat(session);
}

}  // namespace

Runner declare_run(CLI::App& app) {
  auto a = std::make_shared<RunArguments>();
  a->sampling.temperature = 0.8F;
  a->sampling.top_k = 40;
  a->sampling.top_p = 0.95F;
  a->sampling.min_p = 0.05F;
  add_model_options(app, a->model);
  app.add_option("-p,--prompt", a->prompt, "the prompt; without -p and -f: a chat");
  app.add_option("-f,--file", a->file, "the prompt from a file; -: stdin");
  app.add_option("-n,--tokens", a->most_tokens, "most tokens of the answer; -1: as the context allows")
      ->check(CLI::Range(int64_t{-1}, int64_t{1} << 40));
  app.add_option("--system", a->system, "the system message");
  app.add_flag("--raw", a->raw, "the prompt as it is, without the model's chat template");
  add_sampling(app, a->sampling);
  add_json(app, a->json);
  return [a, &app] { return run(app, *a); };
}

}  // namespace yoke::cli
