// Conversations become the template's variables; the rendered text becomes segments.
#include "text/chat.h"

#include "base/error.h"
#include "text/jinja/failure.h"
#include "text/jinja/json.h"
#include "text/jinja/template.h"

namespace yoke {
namespace {

using jinja::Dict;
using jinja::Text;
using jinja::Value;

Value json_value(const std::string& what, const std::string& json) {
  try {
    return jinja::parse_json(json);
  } catch (const jinja::Failure& failure) {
    fail(ErrorKind::kUsage, "reading " + what, failure.what());
  }
}

Value message_value(const ChatMessage& message) {
  Dict fields;
  fields.set(jinja::template_text("role"), Value(Text::by_people(message.role)));
  fields.set(jinja::template_text("content"), Value(Text::by_people(message.content)));
  if (!message.more_json.empty()) {
    const Value more = json_value("a message's further fields", message.more_json);
    if (more.dict() == nullptr)
      fail(ErrorKind::kUsage, "reading a message's further fields", "not a JSON object");
    for (const auto& [key, value] : more.dict()->items) fields.set(key, value);
  }
  return Value(std::move(fields));
}

std::vector<std::pair<std::string, Value>> template_variables(std::span<const ChatMessage> messages,
                                                              const ChatOptions& options) {
  std::vector<std::pair<std::string, Value>> variables;
  std::vector<Value> values;
  for (const ChatMessage& message : messages) values.push_back(message_value(message));
  variables.emplace_back("messages", jinja::make_list(std::move(values)));
  variables.emplace_back("add_generation_prompt", Value(options.add_generation_prompt));
  // Like Hugging Face: not given is none, not undefined.
  for (const char* name : {"tools", "documents"}) {
    if (!options.variables.contains(name)) variables.emplace_back(name, Value(jinja::None{}));
  }
  if (!options.bos_token.empty())
    variables.emplace_back("bos_token", jinja::template_text(options.bos_token));
  if (!options.eos_token.empty())
    variables.emplace_back("eos_token", jinja::template_text(options.eos_token));
  for (const auto& [name, json] : options.variables) {
    variables.emplace_back(name, json_value("the template's variable '" + name + "'", json));
  }
  return variables;
}

std::vector<TextSegment> segments_of(const Text& text) {
  std::vector<TextSegment> segments;
  for (size_t begin = 0; begin < text.size();) {
    const bool people = text.by_people_at(begin);
    size_t end = begin + 1;
    while (end < text.size() && text.by_people_at(end) == people) ++end;
    segments.push_back({text.bytes().substr(begin, end - begin), !people});
    begin = end;
  }
  return segments;
}

}  // namespace

std::vector<TextSegment> render_chat(const std::string& chat_template, std::span<const ChatMessage> messages,
                                     const ChatOptions& options) {
  const auto parsed = jinja::Template::parse(chat_template);
  jinja::Limits limits;
  // Long conversations are no attack: they may take more steps.
  for (const ChatMessage& message : messages) limits.work += 16 * message.content.size();
  return segments_of(parsed.render(template_variables(messages, options), limits, options.now));
}

std::vector<TextSegment> render_chat(const Tokenizer& tokenizer, std::span<const ChatMessage> messages,
                                     const ChatOptions& options) {
  const Vocabulary& vocabulary = tokenizer.vocabulary();
  if (vocabulary.chat_template.empty()) {
    fail(ErrorKind::kUsage, "applying the chat template",
         (vocabulary.source.empty() ? "the model" : vocabulary.source) + " has no tokenizer.chat_template");
  }
  ChatOptions filled = options;
  const auto fill = [&](std::string& text, std::optional<int32_t> id) {
    if (text.empty() && id) text = tokenizer.token_text(*id);
  };
  fill(filled.bos_token, tokenizer.bos());
  fill(filled.eos_token, tokenizer.eos());
  return render_chat(vocabulary.chat_template, messages, filled);
}

std::vector<int32_t> encode_chat(const Tokenizer& tokenizer, std::span<const TextSegment> segments) {
  EncodeOptions options;
  options.add_special = false;
  std::vector<int32_t> ids = tokenizer.encode(segments, options);
  const std::optional<int32_t> bos = tokenizer.bos();
  if (tokenizer.add_bos() && bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  return ids;
}

}  // namespace yoke
