// Takes bytes as a model and, if they are accepted, runs a step, its tokenizer and its chat template.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.h"
#include "cache/sequence_blocks.h"
#include "engine/model.h"
#include "fuzz/gguf_mutator.h"
#include "fuzz/gguf_walk.h"
#include "gguf/byte_sink.h"
#include "gguf/gguf_value.h"
#include "text/chat.h"

namespace yoke::test {

// A damaged shape may ask for much: the plan refuses it by this bound.
inline constexpr uint64_t kModelMemory = uint64_t{256} << 20;

// What became of one file or of many.
struct ModelOutcomes {
  int64_t ran = 0;       // loaded and made logits
  int64_t rendered = 0;  // of those, whose chat template gave a text
  int64_t does_not_fit = 0;
  int64_t rejected = 0;
  double most_seconds = 0;                 // of CPU time that one file took
  std::map<std::string, int64_t> reasons;  // by the first words without numbers
};

// Throws std::logic_error where an error is not one printable line.
inline void check_line(const std::string& message) {
  const bool one_line =
      std::ranges::none_of(message, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!one_line || message.empty() || message.size() > 2000) {
    throw std::logic_error("a message is no printable line: " + message);
  }
}

inline std::string words_of(const std::string& message) {
  std::string words;
  const size_t from = message.find(": ");
  for (const char c : message.substr(from == std::string::npos ? 0 : from + 2, 60)) {
    if ((c >= 'a' && c <= 'z') || c == ' ') words += c;
  }
  return words;
}

inline ModelOptions model_options(const std::string& path) {
  ModelOptions options;
  options.path = path;
  options.devices = "cpu";
  options.context = 32;
  options.chunk = 8;
  options.threads = 1;
  options.cpu_memory = kModelMemory;
  return options;
}

// Runs one step over up to `count` tokens and gives how many logits it made.
inline size_t run_step(Model& model, std::span<const int32_t> tokens) {
  SequenceBlocks blocks(model.pool());
  if (!blocks.reserve(static_cast<int64_t>(tokens.size()))) throw std::logic_error("no room for a prompt");
  const StepItem item{.blocks = &blocks, .first_position = 0, .tokens = tokens};
  model.run({&item, 1});
  return model.logits(0).size();
}

inline bool render(const Tokenizer& tokenizer) {
  if (tokenizer.vocabulary().chat_template.empty()) return false;
  const std::array<ChatMessage, 2> messages = {ChatMessage{"system", "Be brief."},
                                               ChatMessage{"user", "What is 2+2? <|im_end|> \xc3\xa9"}};
  ChatOptions options;
  options.now = std::tm{};
  const std::vector<TextSegment> segments = render_chat(tokenizer, messages, options);
  for (const int32_t id : encode_chat(tokenizer, segments)) {
    if (id < 0 || id >= tokenizer.size()) throw std::logic_error("a token out of range");
  }
  return true;
}

inline void run_model(const std::string& path, ModelOutcomes& outcomes) {
  const std::unique_ptr<Model> model = Model::load(model_options(path));
  const Tokenizer& tokenizer = model->tokenizer();
  std::vector<int32_t> tokens = tokenizer.encode("The 123 cats' \xe2\x82\xac\n");
  if (model->devices()[0]->allocated_bytes() > kModelMemory) throw std::logic_error("the bound was exceeded");
  tokens.resize(std::min<size_t>(tokens.size(), 7));
  tokens.push_back(tokenizer.size() - 1);
  if (static_cast<int64_t>(tokens.size()) > model->context()) tokens.resize(1);
  if (run_step(*model, tokens) != static_cast<size_t>(model->net().vocabulary)) {
    throw std::logic_error("not as many logits as tokens");
  }
  tokenizer.decode(tokens, {.keep_special = true});
  ++outcomes.ran;
  if (render(tokenizer)) ++outcomes.rendered;
}

// Every rejection is an Error of a kind that fits and one line; all else is thrown on.
inline void try_model(std::span<const std::byte> bytes, ModelOutcomes& outcomes) {
  const MemoryFile file(bytes);
  const std::clock_t begin = std::clock();
  try {
    run_model(file.path(), outcomes);
  } catch (const Error& e) {
    check_line(e.what());
    const bool fits = e.kind() == ErrorKind::kBadFile || e.kind() == ErrorKind::kDoesNotFit ||
                      e.kind() == ErrorKind::kUsage;
    if (!fits) throw std::logic_error(std::string("not a file's error: ") + e.what());
    ++(e.kind() == ErrorKind::kDoesNotFit ? outcomes.does_not_fit : outcomes.rejected);
    ++outcomes.reasons[words_of(e.what())];
  }
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  outcomes.most_seconds = std::max(outcomes.most_seconds, seconds);
}

// The file with a chat template as its first entry. The entry's length is a multiple of 32, so that the data
// stays aligned.
inline std::vector<std::byte> with_chat_template(std::vector<std::byte> file, std::string text) {
  const std::string key = "tokenizer.chat_template";
  while ((8 + key.size() + 4 + 8 + text.size()) % 32 != 0) text += ' ';
  ByteSink sink;
  sink.text(key);
  sink.number(static_cast<uint32_t>(GgufValueType::kString));
  sink.text(text);
  const std::vector<std::byte> entry = sink.take();
  constexpr size_t kEntryCount = 16, kFirstEntry = 24;
  file.at(kEntryCount) = static_cast<std::byte>(std::to_integer<int>(file.at(kEntryCount)) + 1);
  file.insert(file.begin() + kFirstEntry, entry.begin(), entry.end());
  return file;
}

}  // namespace yoke::test
