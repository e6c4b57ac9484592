#include "session.h"

#include "interrupt.h"
#include "output.h"
#include "text/stream_decoder.h"

namespace yoke::cli {

Conversation::Conversation(const SessionOptions& options) : raw_(options.raw) {
  if (!options.system.empty()) messages_.push_back({.role = "system", .content = options.system});
}

std::vector<int32_t> Conversation::prompt_for(const Tokenizer& tokenizer, const std::string& text) {
  if (raw_) return tokenizer.encode(text, {});
  messages_.push_back({.role = "user", .content = text});
  return encode_chat(tokenizer, render_chat(tokenizer, messages_));
}

void Conversation::keep_answer(const std::string& text) {
  if (!raw_) messages_.push_back({.role = "assistant", .content = text});
}

void Conversation::forget_turn() {
  if (!raw_) messages_.pop_back();
}

Session::Session(Model& model, const SessionOptions& options, int32_t step_rows)
    : model_(model),
      options_(options),
      engine_(model,
              {.step_rows = step_rows, .context = model.context(), .vocabulary = model.net().vocabulary}) {}

Answer Session::answer(std::vector<int32_t> prompt, bool show) {
  StreamDecoder decoder(model_.tokenizer(), {}, true);
  const auto take = [&](const std::string& piece) {
    text_ += piece;
    if (show && !piece.empty()) write_out(piece);
  };
  text_.clear();
  const std::span<const int32_t> ends = model_.tokenizer().end_tokens();
  const Engine::RequestId id = engine_.submit({.prompt = std::move(prompt),
                                               .most_tokens = options_.most_tokens,
                                               .sampling = options_.sampling,
                                               .end_tokens = {ends.begin(), ends.end()},
                                               .on_token =
                                                   [&](int32_t token) {
                                                     take(decoder.push(token));
                                                     return !InterruptGuard::interrupted();
                                                   },
                                               .keep_cache = true});
  while (true) {
    if (InterruptGuard::interrupted()) engine_.cancel(id);
    if (std::optional<Answer> answer = engine_.take(id)) {
      take(decoder.flush());
      return std::move(*answer);
    }
    engine_.step();
  }
}

}  // namespace yoke::cli
