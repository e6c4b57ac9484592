// The tokenizer: special tokens are cut out first, a PlainEncoder turns the rest into ids.
#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "gguf/printable.h"
#include "text/byte_alphabet.h"
#include "text/byte_token.h"
#include "text/plain_encoder.h"
#include "text/pre_tokenizer.h"
#include "text/special_tokens.h"

namespace yoke {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581: SentencePiece's space

// Control tokens that end an answer in one model family or another, whether or not the file names them.
constexpr std::array<std::string_view, 17> kEndNames = {"<|im_end|>",
                                                        "<|eot_id|>",
                                                        "<|eom_id|>",
                                                        "<|endoftext|>",
                                                        "<|end_of_text|>",
                                                        "<|end|>",
                                                        "<|return|>",
                                                        "<|call|>",
                                                        "<end_of_turn>",
                                                        "<|endofturn|>",
                                                        "</s>",
                                                        "<EOT>",
                                                        "_<EOT>",
                                                        "< EOT >",
                                                        "<end_of_utterance>",
                                                        "<|end_of_turn|>",
                                                        "<\xEF\xBD\x9C"
                                                        "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"};

[[noreturn]] void bad_file(const Vocabulary& v, const std::string& key, const std::string& wrong) {
  fail(ErrorKind::kBadFile, "reading " + (v.source.empty() ? "a vocabulary" : v.source),
       "tokenizer." + key + ": " + wrong);
}

void check_sizes(const Vocabulary& v) {
  const std::string count = std::to_string(v.tokens.size());
  if (v.tokens.empty()) bad_file(v, "ggml.tokens", "the token table is empty");
  if (v.tokens.size() > static_cast<size_t>(INT32_MAX)) bad_file(v, "ggml.tokens", count + " are too many");
  if (v.merges.size() > static_cast<size_t>(INT32_MAX)) bad_file(v, "ggml.merges", "too many");
  const auto same = [&](const char* key, size_t size) {
    if (size != v.tokens.size()) {
      bad_file(v, key, std::to_string(size) + " entries, but tokenizer.ggml.tokens has " + count);
    }
  };
  if (!v.token_types.empty()) same("ggml.token_type", v.token_types.size());
  if (v.model == "llama") same("ggml.scores", v.scores.size());
  for (const float score : v.scores) {
    if (std::isnan(score)) bad_file(v, "ggml.scores", "a score is not a number");
  }
}

void check_ids(const Vocabulary& v) {
  const auto in_range = [&](const char* key, const std::optional<int32_t>& id) {
    if (id && (*id < 0 || static_cast<size_t>(*id) >= v.tokens.size())) {
      bad_file(v, key,
               "token " + std::to_string(*id) + " is out of range (" + std::to_string(v.tokens.size()) +
                   " tokens)");
    }
  };
  in_range("ggml.bos_token_id", v.bos);
  in_range("ggml.eos_token_id", v.eos);
  in_range("ggml.eot_token_id", v.eot);
  in_range("ggml.eom_token_id", v.eom);
  in_range("ggml.unknown_token_id", v.unk);
  in_range("ggml.padding_token_id", v.pad);
  if (v.add_bos.value_or(false) && !v.bos)
    bad_file(v, "ggml.bos_token_id", "missing, but BOS is to be added");
  if (v.add_eos.value_or(false) && !v.eos)
    bad_file(v, "ggml.eos_token_id", "missing, but EOS is to be added");
}

// The ids every SentencePiece model of this family has, where the file leaves them out.
void fill_llama_defaults(Vocabulary& v) {
  const auto fill = [&](std::optional<int32_t>& id, int32_t value) {
    if (!id && static_cast<size_t>(value) < v.tokens.size()) id = value;
  };
  fill(v.unk, 0);
  fill(v.bos, 1);
  fill(v.eos, 2);
}

// "<|im_start|>", also with the wide bars of some vocabularies: what templates write between turns.
bool is_marker(std::string_view text) {
  constexpr std::string_view wide_bar = "\xEF\xBD\x9C";
  if (text.size() < 4 || text.front() != '<' || text.back() != '>') return false;
  const std::string_view inside = text.substr(1, text.size() - 2);
  return (inside.starts_with('|') && inside.ends_with('|') && inside.size() > 2) ||
         (inside.starts_with(wide_bar) && inside.ends_with(wide_bar) && inside.size() > 2 * wide_bar.size());
}

bool is_end_name(std::string_view text) {
  return std::find(kEndNames.begin(), kEndNames.end(), text) != kEndNames.end();
}

// Some files call the tokens that open and close turns normal or user-defined. They are control tokens all
// the same: what people write must never become one of them.
void mark_control_tokens(Vocabulary& v) {
  v.token_types.resize(v.tokens.size(), TokenType::kNormal);
  for (size_t id = 0; id < v.tokens.size(); ++id) {
    if (v.token_types[id] == TokenType::kUserDefined && is_end_name(v.tokens[id])) {
      v.token_types[id] = TokenType::kControl;
    }
  }
  for (const auto& id : {v.bos, v.eos, v.eot, v.eom}) {
    if (!id) continue;
    const std::string& text = v.tokens[*id];
    TokenType& type = v.token_types[*id];
    const bool in_brackets = text.size() > 2 && text.front() == '<' && text.back() == '>';
    if ((type == TokenType::kNormal || type == TokenType::kUserDefined) && in_brackets) {
      type = TokenType::kControl;
    }
  }
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at, from.size()) == from) {
      out += to;
      at += from.size();
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

// The bytes a token stands for in decoded text.
std::string piece_of(const std::string& text, TokenType type, bool sentence_piece) {
  switch (type) {
    case TokenType::kNormal:
      return sentence_piece ? replace_all(text, kSpace, " ") : bytes_from_alphabet(text).value_or(text);
    case TokenType::kByte:
      if (const auto byte = byte_of_token(text)) return std::string(1, static_cast<char>(*byte));
      return text;
    default:
      return text;
  }
}

}  // namespace

struct Tokenizer::State {
  Vocabulary vocabulary;
  bool sentence_piece = false;
  bool add_bos = false, add_eos = false, space_prefix = false;
  std::vector<std::string> pieces;  // [vocabulary]
  TokenMap ids;                     // every token by its spelling; the lowest id wins
  TokenMap plain_ids;               // those that plain text can become
  SpecialTokens special;
  std::vector<bool> is_end;  // [vocabulary]
  std::vector<int32_t> ends;
  std::unique_ptr<PlainEncoder> encoder;

  TokenType type(int32_t id) const { return vocabulary.token_types[id]; }
  void index_tokens();
  void index_ends();
  void choose_encoder();
  std::vector<int32_t> encode(std::string_view text, std::span<const ByteRange> parse,
                              bool add_special) const;
};

void Tokenizer::State::index_tokens() {
  ids.reserve(vocabulary.tokens.size());
  plain_ids.reserve(vocabulary.tokens.size());
  for (int32_t id = 0; id < static_cast<int32_t>(vocabulary.tokens.size()); ++id) {
    const std::string& text = vocabulary.tokens[id];
    pieces.push_back(piece_of(text, type(id), sentence_piece));
    ids.try_emplace(text, id);
    switch (type(id)) {
      case TokenType::kControl:
      case TokenType::kUnknown:
        special.add(text, id, true);
        break;
      case TokenType::kUserDefined:
        special.add(text, id, is_marker(text));
        if (!is_marker(text)) plain_ids.try_emplace(text, id);
        break;
      case TokenType::kByte:
      case TokenType::kUnused:  // would not be shown
        break;
      case TokenType::kNormal:
        plain_ids.try_emplace(text, id);
        break;
    }
  }
}

void Tokenizer::State::index_ends() {
  is_end.assign(vocabulary.tokens.size(), false);
  for (const auto& id : {vocabulary.eos, vocabulary.eot, vocabulary.eom}) {
    if (id) is_end[*id] = true;
  }
  const auto special_id = [&](std::string_view name) -> std::optional<int32_t> {
    const auto found = ids.find(name);
    if (found == ids.end()) return std::nullopt;
    const TokenType t = type(found->second);
    if (t != TokenType::kControl && t != TokenType::kUserDefined) return std::nullopt;
    return found->second;
  };
  // Where an answer has several messages ("harmony": <|return|> and <|call|> end it), <|end|> ends only one.
  const bool harmony = special_id("<|return|>") && special_id("<|call|>");
  for (const std::string_view name : kEndNames) {
    if (harmony && name == "<|end|>") continue;
    if (const auto id = special_id(name)) is_end[*id] = true;
  }
  for (size_t id = 0; id < is_end.size(); ++id) {
    if (is_end[id]) ends.push_back(static_cast<int32_t>(id));
  }
}

void Tokenizer::State::choose_encoder() {
  if (sentence_piece) {
    encoder = make_sentence_piece(vocabulary, plain_ids, space_prefix);
  } else {
    encoder = make_byte_level_bpe(vocabulary, plain_ids);
  }
}

std::vector<int32_t> Tokenizer::State::encode(std::string_view text, std::span<const ByteRange> parse,
                                              bool add_special) const {
  std::vector<int32_t> out;
  if (add_special && add_bos) out.push_back(*vocabulary.bos);
  size_t done = 0;
  bool after_special = true;
  const auto plain = [&](size_t end) {
    if (end == done) return;
    encoder->encode(text.substr(done, end - done), after_special, out);
    after_special = false;
  };
  for (const SpecialTokens::Found& found : special.find_all(text, parse)) {
    plain(found.begin);
    out.push_back(found.id);
    after_special = true;
    done = found.begin + found.length;
  }
  plain(text.size());
  if (add_special && add_eos) out.push_back(*vocabulary.eos);
  return out;
}

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::create(Vocabulary vocabulary) {
  auto state = std::make_unique<State>();
  state->vocabulary = std::move(vocabulary);
  Vocabulary& v = state->vocabulary;
  if (v.model != "gpt2" && v.model != "llama") {
    bad_file(v, "ggml.model", "unknown tokenizer \"" + printable(v.model, 64) + "\" (known: gpt2, llama)");
  }
  state->sentence_piece = v.model == "llama";
  if (state->sentence_piece) fill_llama_defaults(v);
  check_sizes(v);
  check_ids(v);
  mark_control_tokens(v);
  const bool bos_by_default = state->sentence_piece || PreTokenizer(v.pre, v.source).adds_bos();
  state->add_bos = v.add_bos.value_or(bos_by_default) && v.bos;
  state->add_eos = v.add_eos.value_or(false);
  state->space_prefix = state->sentence_piece && v.add_space_prefix.value_or(true);
  state->index_tokens();
  state->index_ends();
  state->choose_encoder();
  return Tokenizer(std::move(state));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const ByteRange all{0, text.size()};
  return state_->encode(text, std::span(&all, options.parse_special ? 1 : 0), options.add_special);
}

std::vector<int32_t> Tokenizer::encode(std::span<const TextSegment> segments,
                                       const EncodeOptions& options) const {
  std::string text;
  std::vector<ByteRange> parse;
  for (const TextSegment& segment : segments) {
    const size_t begin = text.size();
    text += segment.text;
    if (!segment.parse_special || segment.text.empty()) continue;
    if (!parse.empty() && parse.back().end == begin) {
      parse.back().end = text.size();
    } else {
      parse.push_back({begin, text.size()});
    }
  }
  return state_->encode(text, parse, options.add_special);
}

std::string Tokenizer::decode(std::span<const int32_t> ids, const DecodeOptions& options) const {
  std::string text;
  bool strip = options.strip_space_prefix && state_->space_prefix;
  for (const int32_t id : ids) {
    std::string_view shown = piece(id);
    const bool special = is_control(id) || type(id) == TokenType::kUserDefined;
    if (is_control(id) && !options.keep_special) shown = {};
    if (strip && !special && shown.starts_with(' ')) shown.remove_prefix(1);
    text += shown;
    strip = special && options.strip_space_prefix && state_->space_prefix;
  }
  return text;
}

std::string_view Tokenizer::piece(int32_t id) const {
  if (id < 0 || id >= size()) {
    fail(ErrorKind::kUsage, "decoding tokens",
         "token " + std::to_string(id) + " is out of range (" + std::to_string(size()) + " tokens)");
  }
  return state_->pieces[id];
}

std::string_view Tokenizer::token_text(int32_t id) const {
  piece(id);  // checks the range
  return state_->vocabulary.tokens[id];
}

std::optional<int32_t> Tokenizer::find(std::string_view token_text) const {
  const auto found = state_->ids.find(token_text);
  if (found == state_->ids.end()) return std::nullopt;
  return found->second;
}

int32_t Tokenizer::size() const {
  return static_cast<int32_t>(state_->pieces.size());
}
TokenType Tokenizer::type(int32_t id) const {
  return state_->type(id);
}
bool Tokenizer::is_control(int32_t id) const {
  const TokenType t = type(id);
  return t == TokenType::kControl || t == TokenType::kUnknown || t == TokenType::kUnused;
}
bool Tokenizer::is_end(int32_t id) const {
  return id >= 0 && id < size() && state_->is_end[id];
}
std::span<const int32_t> Tokenizer::end_tokens() const {
  return state_->ends;
}
std::optional<int32_t> Tokenizer::bos() const {
  return state_->vocabulary.bos;
}
std::optional<int32_t> Tokenizer::eos() const {
  return state_->vocabulary.eos;
}
bool Tokenizer::add_bos() const {
  return state_->add_bos;
}
bool Tokenizer::add_eos() const {
  return state_->add_eos;
}
bool Tokenizer::add_space_prefix() const {
  return state_->space_prefix;
}
const Vocabulary& Tokenizer::vocabulary() const {
  return state_->vocabulary;
}

}  // namespace yoke
