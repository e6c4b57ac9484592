// Renders a conversation with the model's own chat template and keeps apart what the template wrote from what
// people wrote.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace yoke {

struct ChatMessage {
  std::string role;
  std::string content;
  // A JSON object of further fields as the template knows them (tool_calls, name, reasoning_content ...);
  // empty: none. A field "content" in it replaces the text, by null or by a list of parts.
  std::string more_json = {};
};

struct ChatOptions {
  bool add_generation_prompt = true;
  std::string bos_token;  // as text; empty: undefined in the template
  std::string eos_token;
  // Further variables of the template as JSON texts, e.g. {"enable_thinking", "false"} or {"tools", "[...]"}.
  // Their strings count as people's text. Where "tools" and "documents" are not given they are none.
  std::map<std::string, std::string> variables;
  // What the template's strftime_now shows; none: the local time.
  std::optional<std::tm> now;
};

// The segments, one after another, are the rendered text. A segment has parse_special = true where the
// template itself wrote it, false where it comes from a message. Throws kBadFile for a template that does not
// parse, fails, or exceeds the interpreter's limits; kUsage where the template itself raises an exception
// (such as a conversation it does not take) or where more_json or a variable is not JSON.
std::vector<TextSegment> render_chat(const std::string& chat_template, std::span<const ChatMessage> messages,
                                     const ChatOptions& options);

// With the tokenizer's own template, BOS and EOS. Throws kUsage where the vocabulary has no template.
std::vector<TextSegment> render_chat(const Tokenizer& tokenizer, std::span<const ChatMessage> messages,
                                     const ChatOptions& options = {});

// BOS is put in front where the vocabulary asks for it and the template did not write it; EOS never.
std::vector<int32_t> encode_chat(const Tokenizer& tokenizer, std::span<const TextSegment> segments);

}  // namespace yoke
