// The keys of the section "tokenizer.ggml" of the GGUF specification.
#include "text/gguf_vocabulary.h"

#include <string_view>

#include "base/error.h"

namespace yoke {
namespace {

[[noreturn]] void bad_key(const GgufFile& file, std::string_view key, const std::string& wrong) {
  fail(ErrorKind::kBadFile, "reading " + file.path(), std::string(key) + ": " + wrong);
}

std::string string_or_empty(const GgufFile& file, std::string_view key) {
  return std::string(file.find_string(key).value_or(std::string_view{}));
}

std::optional<int32_t> token_id(const GgufFile& file, std::string_view key) {
  const std::optional<int64_t> id = file.find_i64(key);
  // All bits set stands for "none" in files of some converters.
  if (!id || *id == -1 || *id == UINT32_MAX) return std::nullopt;
  if (*id < 0 || *id > INT32_MAX) bad_key(file, key, "token " + std::to_string(*id) + " is out of range");
  return static_cast<int32_t>(*id);
}

std::vector<std::string> copied(const std::optional<GgufStrings>& strings) {
  std::vector<std::string> all;
  if (!strings) return all;
  all.reserve(strings->size());
  for (const std::string_view text : *strings) all.emplace_back(text);
  return all;
}

std::vector<TokenType> token_types(const GgufFile& file) {
  constexpr std::string_view key = "tokenizer.ggml.token_type";
  std::vector<TokenType> types;
  const auto numbers = file.find_integers(key);
  if (!numbers) return types;
  types.reserve(numbers->size());
  for (uint64_t i = 0; i < numbers->size(); ++i) {
    const int64_t type = (*numbers)[i];
    // 0 ("undefined") is a normal token everywhere it occurs.
    if (type < 0 || type > static_cast<int64_t>(TokenType::kByte)) {
      bad_key(file, key, "token " + std::to_string(i) + " has the unknown type " + std::to_string(type));
    }
    types.push_back(type == 0 ? TokenType::kNormal : static_cast<TokenType>(type));
  }
  return types;
}

}  // namespace

Vocabulary vocabulary_from_gguf(const GgufFile& file) {
  if (file.find("tokenizer.ggml.model") == nullptr) {
    bad_key(file, "tokenizer.ggml.model", "the file has no tokenizer");
  }
  Vocabulary v;
  v.source = file.path();
  v.model = file.need_string("tokenizer.ggml.model");
  v.pre = string_or_empty(file, "tokenizer.ggml.pre");
  v.tokens = copied(file.need_strings("tokenizer.ggml.tokens"));
  if (const auto scores = file.find_floats("tokenizer.ggml.scores")) v.scores = scores->to_vector();
  v.token_types = token_types(file);
  v.merges = copied(file.find_strings("tokenizer.ggml.merges"));
  v.bos = token_id(file, "tokenizer.ggml.bos_token_id");
  v.eos = token_id(file, "tokenizer.ggml.eos_token_id");
  v.eot = token_id(file, "tokenizer.ggml.eot_token_id");
  v.eom = token_id(file, "tokenizer.ggml.eom_token_id");
  v.unk = token_id(file, "tokenizer.ggml.unknown_token_id");
  v.pad = token_id(file, "tokenizer.ggml.padding_token_id");
  v.add_bos = file.find_bool("tokenizer.ggml.add_bos_token");
  v.add_eos = file.find_bool("tokenizer.ggml.add_eos_token");
  v.add_space_prefix = file.find_bool("tokenizer.ggml.add_space_prefix");
  v.chat_template = string_or_empty(file, "tokenizer.chat_template");
  return v;
}

}  // namespace yoke
