// Cuts text into the words inside which byte-level BPE merges, as tokenizer.ggml.pre names it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

class PreTokenizer {
 public:
  // Throws kBadFile for an unknown name, listing the known ones. source: the file's name, for the error.
  PreTokenizer(const std::string& name, const std::string& source);
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // The words, in order; together they are the text. Each byte that is not UTF-8 is treated as a symbol of
  // its own (like U+FFFD) and kept as it is.
  std::vector<std::string_view> split(std::string_view text) const;

  // A word that is a token as a whole is that token, whatever the merges say.
  bool whole_words_first() const;
  // BOS is put in front unless the file says otherwise.
  bool adds_bos() const;

  static std::vector<std::string> known_names();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yoke
