// Byte-level BPE: inside each word of the pre-tokenizer, the best-ranked neighbours merge until none can.
#include <algorithm>
#include <array>
#include <queue>
#include <utility>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/plain_encoder.h"
#include "text/pre_tokenizer.h"

namespace yoke {
namespace {

constexpr int32_t kNone = -1;

struct Merge {
  int32_t rank;
  int32_t result;
};

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// A run of bytes of the word that is one token by now; a list, since merging removes from the middle.
struct Symbol {
  int32_t id;
  int32_t previous, next;
};

struct Candidate {
  int32_t rank;
  int32_t left;  // index of the left symbol
  int32_t left_id, right_id;
};

// The lowest rank first; among equals the leftmost.
struct Later {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  }
};

class ByteLevelBpe : public PlainEncoder {
 public:
  ByteLevelBpe(const Vocabulary& vocabulary, const TokenMap& plain_tokens);
  void encode(std::string_view text, bool after_special, std::vector<int32_t>& out) const override;

 private:
  void add_merge(std::string_view line, int32_t rank, const TokenMap& tokens);
  void encode_word(std::string_view word, std::vector<Symbol>& symbols, std::vector<int32_t>& out) const;
  void merge_all(std::vector<Symbol>& symbols) const;
  const Merge* find_merge(const std::vector<Symbol>& symbols, int32_t left) const;

  PreTokenizer pre_tokenizer_;
  std::array<int32_t, 256> byte_ids_;
  std::unordered_map<uint64_t, Merge> merges_;
  const TokenMap* whole_words_ = nullptr;
};

ByteLevelBpe::ByteLevelBpe(const Vocabulary& vocabulary, const TokenMap& plain_tokens)
    : pre_tokenizer_(vocabulary.pre, vocabulary.source) {
  if (pre_tokenizer_.whole_words_first()) whole_words_ = &plain_tokens;
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = plain_tokens.find(alphabet_from_bytes(std::string(1, static_cast<char>(byte))));
    byte_ids_[byte] = found == plain_tokens.end() ? kNone : found->second;
  }
  merges_.reserve(vocabulary.merges.size());
  int32_t rank = 0;
  for (const std::string& line : vocabulary.merges) add_merge(line, rank++, plain_tokens);
}

void ByteLevelBpe::add_merge(std::string_view line, int32_t rank, const TokenMap& tokens) {
  // The alphabet has no space, so the first one (not counting a leading one) parts left from right.
  const size_t space = line.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == line.size()) return;
  const std::string_view left = line.substr(0, space);
  const std::string_view right = line.substr(space + 1);
  const auto left_id = tokens.find(left);
  const auto right_id = tokens.find(right);
  const auto result = tokens.find(std::string(left) + std::string(right));
  // A merge whose parts or result are no plain tokens can never be applied.
  if (left_id == tokens.end() || right_id == tokens.end() || result == tokens.end()) return;
  merges_.try_emplace(pair_key(left_id->second, right_id->second), Merge{rank, result->second});
}

const Merge* ByteLevelBpe::find_merge(const std::vector<Symbol>& symbols, int32_t left) const {
  const int32_t right = symbols[left].next;
  if (right == kNone || symbols[left].id == kNone || symbols[right].id == kNone) return nullptr;
  const auto found = merges_.find(pair_key(symbols[left].id, symbols[right].id));
  return found == merges_.end() ? nullptr : &found->second;
}

void ByteLevelBpe::merge_all(std::vector<Symbol>& symbols) const {
  std::priority_queue<Candidate, std::vector<Candidate>, Later> queue;
  const auto consider = [&](int32_t left) {
    if (left == kNone) return;
    if (const Merge* merge = find_merge(symbols, left)) {
      queue.push({merge->rank, left, symbols[left].id, symbols[symbols[left].next].id});
    }
  };
  for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols.size()); ++i) consider(i);

  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.left];
    // An earlier merge may have consumed either side; a consumed symbol has no id.
    if (left.id != best.left_id || left.next == kNone || symbols[left.next].id != best.right_id) continue;
    const Merge* merge = find_merge(symbols, best.left);
    Symbol& right = symbols[left.next];
    left.id = merge->result;
    left.next = right.next;
    right.id = kNone;
    if (left.next != kNone) symbols[left.next].previous = best.left;
    consider(left.previous);
    consider(best.left);
  }
}

void ByteLevelBpe::encode_word(std::string_view word, std::vector<Symbol>& symbols,
                               std::vector<int32_t>& out) const {
  if (whole_words_ != nullptr) {
    const auto found = whole_words_->find(alphabet_from_bytes(word));
    if (found != whole_words_->end()) {
      out.push_back(found->second);
      return;
    }
  }
  symbols.clear();
  // A byte that has no token (some vocabularies lack bytes that UTF-8 never or rarely uses) is left out, as
  // the models' own tokenizers do.
  for (const char byte : word) {
    const int32_t id = byte_ids_[static_cast<uint8_t>(byte)];
    const auto i = static_cast<int32_t>(symbols.size());
    if (id != kNone) symbols.push_back({id, i - 1, i + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = kNone;
  merge_all(symbols);
  // The first symbol is never consumed.
  for (int32_t i = 0; i != kNone; i = symbols[i].next) out.push_back(symbols[i].id);
}

void ByteLevelBpe::encode(std::string_view text, bool /*after_special*/, std::vector<int32_t>& out) const {
  std::vector<Symbol> symbols;
  for (const std::string_view word : pre_tokenizer_.split(text)) {
    if (word.size() > static_cast<size_t>(INT32_MAX)) {
      fail(ErrorKind::kUsage, "tokenizing", "a word of more than 2 GiB");
    }
    encode_word(word, symbols, out);
  }
}

}  // namespace

std::unique_ptr<PlainEncoder> make_byte_level_bpe(const Vocabulary& vocabulary,
                                                  const TokenMap& plain_tokens) {
  return std::make_unique<ByteLevelBpe>(vocabulary, plain_tokens);
}

}  // namespace yoke
