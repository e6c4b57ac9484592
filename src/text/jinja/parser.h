// Builds the tree of a template from its tokens: statements here, expressions in the base class.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace yoke::jinja {

// Throws Failure.
Block parse_template(std::string_view source);

// The tokens, with one to look at.
class TokenReader {
 public:
  explicit TokenReader(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

 protected:
  using Kind = Token::Kind;
  const Token& current() const { return tokens_[position_]; }
  const Token& following() const { return tokens_[std::min(position_ + 1, tokens_.size() - 1)]; }
  Token take();
  bool at_sign(std::string_view sign) const { return is(current(), Kind::kSign, sign); }
  bool at_word(std::string_view word) const { return is(current(), Kind::kName, word); }
  static bool is(const Token& token, Token::Kind kind, std::string_view text) {
    return token.kind == kind && token.text == text;
  }
  bool take_sign(std::string_view sign);
  bool take_word(std::string_view word);
  void expect_sign(std::string_view sign);
  void expect_word(std::string_view word);
  std::string expect_name();
  [[noreturn]] void fail_here(const std::string& what) const;
  [[noreturn]] void unexpected(const std::string& wanted) const;

  // Bounds how deep the parser recurses.
  struct Nesting {
    explicit Nesting(TokenReader& reader);
    ~Nesting() { --reader_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    TokenReader& reader_;
  };

 private:
  std::vector<Token> tokens_;
  size_t position_ = 0;
  int nesting_ = 0;
};

class ExpressionParser : public TokenReader {
 public:
  using TokenReader::TokenReader;

 protected:
  // "a if b else c"; conditional = false: without the "if".
  ExpressionPtr expression(bool conditional = true);
  // Also "a, b", which is a tuple. stop: a word that ends it.
  ExpressionPtr expression_list(bool conditional, std::string_view stop = {});
  CallArguments call_arguments();  // "(" is current
  Filter filter(ExpressionPtr input);
  ExpressionPtr postfix(ExpressionPtr object);
  ExpressionPtr unary(bool with_filters = true);
  ExpressionPtr make(int line, decltype(Expression::node) node);

  // Names that the current macro body reads or sets.
  struct NamesSeen {
    std::set<std::string> read, stored;
  };
  std::vector<NamesSeen> macro_bodies_;

 private:
  ExpressionPtr logical_or();
  ExpressionPtr logical_and();
  ExpressionPtr logical_not();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr primary();
  ExpressionPtr number();
  ExpressionPtr name();
  ExpressionPtr parentheses();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr subscript(ExpressionPtr object);
  ExpressionPtr filters_and_tests(ExpressionPtr input);
  ExpressionPtr test(ExpressionPtr input);
  bool at_list_end(std::string_view stop) const;
  std::string dotted_name();
};

}  // namespace yoke::jinja
