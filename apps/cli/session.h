// One person talking with one model: what was said, and answers that appear as they are made.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/model.h"
#include "text/chat.h"

namespace yoke::cli {

struct SessionOptions {
  std::string system;        // message; empty: what the template has of its own
  bool raw = false;          // texts go to the model as they are, without its chat template
  int64_t most_tokens = -1;  // of an answer; -1: as the context allows
  SamplingParams sampling{};
};

// The conversation as token ids, before a model is loaded.
class Conversation {
 public:
  explicit Conversation(const SessionOptions& options);

  // What the model is given for this text: the conversation so far, rendered by its own template, or the text
  // alone.
  std::vector<int32_t> prompt_for(const Tokenizer& tokenizer, const std::string& text);
  void keep_answer(const std::string& text);
  // Takes back the last text.
  void forget_turn();

 private:
  bool raw_;
  std::vector<ChatMessage> messages_;
};

class Session {
 public:
  Session(Model& model, const SessionOptions& options, int32_t step_rows);

  // show: on stdout, piece by piece. A SIGINT (InterruptGuard) ends the answer, also while the prompt is
  // read.
  Answer answer(std::vector<int32_t> prompt, bool show);
  const std::string& text() const { return text_; }  // of the last answer

 private:
  Model& model_;
  SessionOptions options_;
  Engine engine_;
  std::string text_;
};

}  // namespace yoke::cli
