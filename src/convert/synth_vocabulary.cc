#include "convert/synth_vocabulary.h"

#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include "text/byte_alphabet.h"
#include "text/vocabulary.h"

namespace yoke {
namespace {

constexpr std::string_view kTemplate =
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% "
    "endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

struct Table {
  std::vector<std::string> tokens;
  std::vector<std::string> merges;
  std::vector<int32_t> types;
};

// Merges in the order of a breadth-first search over letters and the space, so that short words become one
// token; every pair stands once.
void add_merges(Table& table, size_t size) {
  std::vector<std::string> letters;
  for (const char c : std::string_view(" etaoinshrdlucmfwypvbgkjqxzETAOINSHRDLUCMFWYPVBGKJQXZ.,'-")) {
    letters.push_back(alphabet_from_bytes(std::string_view(&c, 1)));
  }
  std::unordered_set<std::string> seen(table.tokens.begin(), table.tokens.end());
  std::vector<std::string> level = letters;
  while (table.tokens.size() < size) {
    std::vector<std::string> next;
    for (const std::string& left : level) {
      for (const std::string& right : letters) {
        if (table.tokens.size() == size) return;
        if (!seen.insert(left + right).second) continue;
        table.tokens.push_back(left + right);
        table.merges.push_back(left + " " + right);
        next.push_back(left + right);
      }
    }
    level = std::move(next);
  }
}

}  // namespace

void write_synth_vocabulary(GgufWriter& writer, int64_t size, std::string_view pre) {
  constexpr std::array<std::string_view, 4> kControl = {"<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"};
  Table table;
  for (int b = 0; b < 256; ++b) {
    const char c = static_cast<char>(b);
    table.tokens.push_back(alphabet_from_bytes(std::string_view(&c, 1)));
  }
  add_merges(table, static_cast<size_t>(size) - kControl.size());
  table.types.assign(table.tokens.size(), static_cast<int32_t>(TokenType::kNormal));
  for (const std::string_view name : kControl) {
    table.tokens.emplace_back(name);
    table.types.push_back(static_cast<int32_t>(TokenType::kControl));
  }
  const auto id = [&](size_t from_end) { return static_cast<uint32_t>(table.tokens.size() - from_end); };
  writer.set("tokenizer.ggml.model", "gpt2");
  writer.set("tokenizer.ggml.pre", pre);
  writer.set("tokenizer.ggml.tokens", EncodedValue::texts(table.tokens));
  writer.set("tokenizer.ggml.token_type", EncodedValue::numbers(table.types));
  writer.set("tokenizer.ggml.merges", EncodedValue::texts(table.merges));
  writer.set("tokenizer.ggml.bos_token_id", id(4));
  writer.set("tokenizer.ggml.eos_token_id", id(1));
  writer.set("tokenizer.ggml.add_bos_token", false);
  writer.set("tokenizer.chat_template", kTemplate);
}

}  // namespace yoke
