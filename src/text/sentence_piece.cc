// SentencePiece's BPE: the neighbours whose joint token scores best merge until none
// can; characters without a token become byte tokens.
#include <algorithm>
#include <array>
#include <queue>

#include "base/error.h"
#include "text/byte_token.h"
#include "text/plain_encoder.h"
#include "text/utf8.h"

namespace yoke {
namespace {

constexpr int32_t kNone = -1;
constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581 stands for a space

struct Symbol {
  size_t begin, length;  // length 0: consumed
  int32_t previous, next;
};

struct Candidate {
  float score;
  int32_t left, right;
  size_t length;  // of both together, to notice that one has changed meanwhile
};

// The highest score first; among equals the leftmost.
struct Later {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.score != b.score ? a.score < b.score : a.left > b.left;
  }
};

// The end of the word that begins at `begin`: spaces, then everything up to the next space.
size_t word_end(std::string_view text, size_t begin) {
  size_t at = begin;
  while (text.substr(at, kSpace.size()) == kSpace) at += kSpace.size();
  return std::min(text.find(kSpace, at), text.size());
}

class SentencePiece : public PlainEncoder {
 public:
  SentencePiece(const Vocabulary& vocabulary, const TokenMap& plain_tokens, bool space_prefix);
  void encode(std::string_view text, bool after_special, std::vector<int32_t>& out) const override;

 private:
  void encode_word(std::string_view word, std::vector<Symbol>& symbols, std::vector<int32_t>& out) const;
  void merge_all(std::string_view text, std::vector<Symbol>& symbols) const;
  void emit(std::string_view piece, std::vector<int32_t>& out) const;

  const Vocabulary* vocabulary_;
  const TokenMap* tokens_;
  bool space_prefix_;
  // No token has a space after something else: merging never runs across the beginning of a word.
  bool words_apart_ = true;
  size_t longest_ = 0;
  std::array<int32_t, 256> byte_ids_;
};

SentencePiece::SentencePiece(const Vocabulary& vocabulary, const TokenMap& plain_tokens, bool space_prefix)
    : vocabulary_(&vocabulary), tokens_(&plain_tokens), space_prefix_(space_prefix) {
  for (const auto& [text, id] : plain_tokens) {
    longest_ = std::max(longest_, text.size());
    if (word_end(text, 0) != text.size()) words_apart_ = false;
  }
  byte_ids_.fill(kNone);
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (vocabulary.token_types[id] != TokenType::kByte) continue;
    if (const auto byte = byte_of_token(vocabulary.tokens[id])) byte_ids_[*byte] = static_cast<int32_t>(id);
  }
}

// One symbol for each character.
void cut_characters(std::string_view text, std::vector<Symbol>& symbols) {
  symbols.clear();
  for (size_t at = 0; at < text.size();) {
    const size_t length = std::max<size_t>(utf8_length(text, at), 1);
    const auto index = static_cast<int32_t>(symbols.size());
    symbols.push_back({at, length, index - 1, index + 1});
    at += length;
  }
  if (!symbols.empty()) symbols.back().next = kNone;
}

void SentencePiece::merge_all(std::string_view text, std::vector<Symbol>& symbols) const {
  std::priority_queue<Candidate, std::vector<Candidate>, Later> queue;
  const auto consider = [&](int32_t left, int32_t right) {
    if (left == kNone || right == kNone) return;
    const size_t length = symbols[left].length + symbols[right].length;
    if (length > longest_) return;
    const auto found = tokens_->find(text.substr(symbols[left].begin, length));
    if (found != tokens_->end()) queue.push({vocabulary_->scores[found->second], left, right, length});
  };
  for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols.size()); ++i) consider(i, i + 1);

  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.left];
    Symbol& right = symbols[best.right];
    if (left.length == 0 || right.length == 0 || left.length + right.length != best.length) continue;
    left.length += right.length;
    right.length = 0;
    left.next = right.next;
    if (left.next != kNone) symbols[left.next].previous = best.left;
    consider(left.previous, best.left);
    consider(best.left, left.next);
  }
}

void SentencePiece::emit(std::string_view piece, std::vector<int32_t>& out) const {
  const auto found = tokens_->find(piece);
  if (found != tokens_->end()) {
    out.push_back(found->second);
    return;
  }
  for (const char byte : piece) {
    const int32_t id = byte_ids_[static_cast<uint8_t>(byte)];
    if (id != kNone) {
      out.push_back(id);
    } else if (vocabulary_->unk) {
      out.push_back(*vocabulary_->unk);
      return;  // one for the whole character
    }
  }
}

void SentencePiece::encode_word(std::string_view word, std::vector<Symbol>& symbols,
                                std::vector<int32_t>& out) const {
  cut_characters(word, symbols);
  merge_all(word, symbols);
  for (int32_t i = symbols.empty() ? kNone : 0; i != kNone; i = symbols[i].next) {
    emit(word.substr(symbols[i].begin, symbols[i].length), out);
  }
}

void SentencePiece::encode(std::string_view text, bool after_special, std::vector<int32_t>& out) const {
  if (text.size() >= static_cast<size_t>(INT32_MAX)) {
    fail(ErrorKind::kUsage, "tokenizing", "a text of more than 2 GiB");
  }
  std::string spaced;
  if (space_prefix_ && after_special) spaced += kSpace;
  for (const char c : text) c == ' ' ? spaced += kSpace : spaced += c;
  std::vector<Symbol> symbols;
  for (size_t begin = 0; begin < spaced.size();) {
    const size_t end = words_apart_ ? word_end(spaced, begin) : spaced.size();
    encode_word(std::string_view(spaced).substr(begin, end - begin), symbols, out);
    begin = end;
  }
}

}  // namespace

std::unique_ptr<PlainEncoder> make_sentence_piece(const Vocabulary& vocabulary, const TokenMap& plain_tokens,
                                                  bool space_prefix) {
  return std::make_unique<SentencePiece>(vocabulary, plain_tokens, space_prefix);
}

}  // namespace yoke
