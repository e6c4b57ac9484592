// Expressions by recursive descent, with Jinja's precedence: if, or, and, not, comparison, + -, ~, * / // %,
// **, sign, then calls, items, filters and tests.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja/failure.h"
#include "text/jinja/parser.h"

namespace yoke::jinja {
namespace {

constexpr int kMaxNestedExpressions = 100;
constexpr int kMaxTreeDepth = 400;

int depth_of(const ExpressionPtr& child) {
  return child == nullptr ? 0 : child->depth;
}

int depth_of(const CallArguments& a) {
  int deepest = std::max(depth_of(a.more_positional), depth_of(a.more_named));
  for (const auto& argument : a.positional) deepest = std::max(deepest, depth_of(argument));
  for (const auto& [name, argument] : a.named) deepest = std::max(deepest, depth_of(argument));
  return deepest;
}

struct DepthBelow {
  int operator()(const Constant&) const { return 0; }
  int operator()(const Name&) const { return 0; }
  int operator()(const ListLiteral& n) const { return deepest(n.items); }
  int operator()(const DictLiteral& n) const {
    int depth = 0;
    for (const auto& [key, value] : n.items) depth = std::max({depth, depth_of(key), depth_of(value)});
    return depth;
  }
  int operator()(const Attribute& n) const { return depth_of(n.object); }
  int operator()(const Item& n) const { return std::max(depth_of(n.object), depth_of(n.key)); }
  int operator()(const Slice& n) const {
    return std::max({depth_of(n.object), depth_of(n.start), depth_of(n.stop), depth_of(n.step)});
  }
  int operator()(const Call& n) const { return std::max(depth_of(n.callee), depth_of(n.arguments)); }
  int operator()(const Filter& n) const { return std::max(depth_of(n.input), depth_of(n.arguments)); }
  int operator()(const Test& n) const { return std::max(depth_of(n.input), depth_of(n.arguments)); }
  int operator()(const Unary& n) const { return depth_of(n.operand); }
  int operator()(const Binary& n) const { return std::max(depth_of(n.left), depth_of(n.right)); }
  int operator()(const Logical& n) const { return std::max(depth_of(n.left), depth_of(n.right)); }
  int operator()(const Concatenation& n) const { return deepest(n.parts); }
  int operator()(const Comparison& n) const {
    int depth = depth_of(n.first);
    for (const auto& [op, operand] : n.rest) depth = std::max(depth, depth_of(operand));
    return depth;
  }
  int operator()(const Conditional& n) const {
    return std::max({depth_of(n.condition), depth_of(n.then), depth_of(n.otherwise)});
  }
  static int deepest(const std::vector<ExpressionPtr>& items) {
    int depth = 0;
    for (const auto& item : items) depth = std::max(depth, depth_of(item));
    return depth;
  }
};

}  // namespace

TokenReader::Nesting::Nesting(TokenReader& reader) : reader_(reader) {
  if (reader.nesting_ >= kMaxNestedExpressions) reader.fail_here("nested too deeply");
  ++reader.nesting_;
}

Token TokenReader::take() {
  Token token = current();
  if (token.kind != Kind::kEnd) ++position_;
  return token;
}

bool TokenReader::take_sign(std::string_view sign) {
  if (!at_sign(sign)) return false;
  ++position_;
  return true;
}

bool TokenReader::take_word(std::string_view word) {
  if (!at_word(word)) return false;
  ++position_;
  return true;
}

void TokenReader::expect_sign(std::string_view sign) {
  if (!take_sign(sign)) unexpected("'" + std::string(sign) + "'");
}

void TokenReader::expect_word(std::string_view word) {
  if (!take_word(word)) unexpected("'" + std::string(word) + "'");
}

std::string TokenReader::expect_name() {
  if (current().kind != Kind::kName) unexpected("a name");
  return take().text;
}

void TokenReader::fail_here(const std::string& what) const {
  throw Failure("line " + std::to_string(current().line) + ": " + what);
}

void TokenReader::unexpected(const std::string& wanted) const {
  std::string got;
  switch (current().kind) {
    case Kind::kEnd:
      got = "the end of the template";
      break;
    case Kind::kText:
      got = "text";
      break;
    case Kind::kOutputBegin:
      got = "'{{'";
      break;
    case Kind::kOutputEnd:
      got = "'}}'";
      break;
    case Kind::kBlockBegin:
      got = "'{%'";
      break;
    case Kind::kBlockEnd:
      got = "'%}'";
      break;
    default:
      got = "'" + current().text.substr(0, 40) + "'";
  }
  fail_here("expected " + wanted + ", found " + got);
}

ExpressionPtr ExpressionParser::make(int line, decltype(Expression::node) node) {
  auto made = std::make_unique<Expression>();
  made->line = line;
  made->depth = 1 + std::visit(DepthBelow{}, node);
  made->node = std::move(node);
  if (made->depth > kMaxTreeDepth) fail_here("the expression is too long");
  return made;
}

ExpressionPtr ExpressionParser::expression(bool conditional) {
  const Nesting nesting(*this);
  if (!conditional) return logical_or();
  ExpressionPtr then = logical_or();
  while (at_word("if")) {
    const int line = take().line;
    ExpressionPtr condition = logical_or();
    ExpressionPtr otherwise;
    if (take_word("else")) otherwise = expression();
    then = make(line, Conditional{std::move(condition), std::move(then), std::move(otherwise)});
  }
  return then;
}

ExpressionPtr ExpressionParser::logical_or() {
  ExpressionPtr left = logical_and();
  while (at_word("or")) {
    const int line = take().line;
    ExpressionPtr right = logical_and();
    left = make(line, Logical{false, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::logical_and() {
  ExpressionPtr left = logical_not();
  while (at_word("and")) {
    const int line = take().line;
    ExpressionPtr right = logical_not();
    left = make(line, Logical{true, std::move(left), std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::logical_not() {
  if (!at_word("not")) return comparison();
  const Nesting nesting(*this);
  const int line = take().line;
  ExpressionPtr operand = logical_not();
  return make(line, Unary{UnaryOp::kNot, std::move(operand)});
}

ExpressionPtr ExpressionParser::comparison() {
  static constexpr std::pair<std::string_view, CompareOp> kSigns[] = {
      {"==", CompareOp::kEqual},     {"!=", CompareOp::kNotEqual}, {"<", CompareOp::kLess},
      {"<=", CompareOp::kLessEqual}, {">", CompareOp::kGreater},   {">=", CompareOp::kGreaterEqual}};
  const int line = current().line;
  ExpressionPtr first = sum();
  std::vector<std::pair<CompareOp, ExpressionPtr>> rest;
  while (true) {
    const auto* sign = std::find_if(std::begin(kSigns), std::end(kSigns),
                                    [&](const auto& candidate) { return at_sign(candidate.first); });
    CompareOp op{};
    if (sign != std::end(kSigns)) {
      op = sign->second;
      take();
    } else if (take_word("in")) {
      op = CompareOp::kIn;
    } else if (at_word("not") && is(following(), Kind::kName, "in")) {
      take(), take();
      op = CompareOp::kNotIn;
    } else {
      break;
    }
    rest.emplace_back(op, sum());
  }
  if (rest.empty()) return first;
  return make(line, Comparison{std::move(first), std::move(rest)});
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr left = concatenation();
  while (at_sign("+") || at_sign("-")) {
    const Token sign = take();
    ExpressionPtr right = concatenation();
    left = make(sign.line, Binary{sign.text == "+" ? BinaryOp::kAdd : BinaryOp::kSubtract, std::move(left),
                                  std::move(right)});
  }
  return left;
}

ExpressionPtr ExpressionParser::concatenation() {
  const int line = current().line;
  std::vector<ExpressionPtr> parts;
  parts.push_back(product());
  while (take_sign("~")) parts.push_back(product());
  if (parts.size() == 1) return std::move(parts[0]);
  return make(line, Concatenation{std::move(parts)});
}

ExpressionPtr ExpressionParser::product() {
  static constexpr std::pair<std::string_view, BinaryOp> kSigns[] = {{"*", BinaryOp::kMultiply},
                                                                     {"/", BinaryOp::kDivide},
                                                                     {"//", BinaryOp::kFloorDivide},
                                                                     {"%", BinaryOp::kModulo}};
  ExpressionPtr left = power();
  while (true) {
    const auto* sign = std::find_if(std::begin(kSigns), std::end(kSigns),
                                    [&](const auto& candidate) { return at_sign(candidate.first); });
    if (sign == std::end(kSigns)) return left;
    const int line = take().line;
    ExpressionPtr right = power();
    left = make(line, Binary{sign->second, std::move(left), std::move(right)});
  }
}

// From left to right, unlike Python.
ExpressionPtr ExpressionParser::power() {
  ExpressionPtr left = unary();
  while (at_sign("**")) {
    const int line = take().line;
    ExpressionPtr right = unary();
    left = make(line, Binary{BinaryOp::kPower, std::move(left), std::move(right)});
  }
  return left;
}

// The sign binds more tightly than filters: -x|abs is (-x)|abs.
ExpressionPtr ExpressionParser::unary(bool with_filters) {
  ExpressionPtr value;
  if (at_sign("-") || at_sign("+")) {
    const Nesting nesting(*this);
    const Token sign = take();
    ExpressionPtr operand = unary(false);
    value = make(sign.line, Unary{sign.text == "-" ? UnaryOp::kMinus : UnaryOp::kPlus, std::move(operand)});
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::primary() {
  const int line = current().line;
  switch (current().kind) {
    case Kind::kName:
      return name();
    case Kind::kString: {
      std::string text;
      while (current().kind == Kind::kString) text += take().text;
      return make(line, Constant{template_text(text)});
    }
    case Kind::kInteger:
    case Kind::kFloat:
      return number();
    default:
      if (at_sign("(")) return parentheses();
      if (at_sign("[")) return list();
      if (at_sign("{")) return dict();
      unexpected("a value");
  }
}

ExpressionPtr ExpressionParser::name() {
  const Token token = take();
  const std::string& word = token.text;
  if (word == "true" || word == "True") return make(token.line, Constant{Value(true)});
  if (word == "false" || word == "False") return make(token.line, Constant{Value(false)});
  if (word == "none" || word == "None") return make(token.line, Constant{Value(None{})});
  for (NamesSeen& seen : macro_bodies_) {
    if (!seen.stored.contains(word)) seen.read.insert(word);
  }
  return make(token.line, Name{word});
}

ExpressionPtr ExpressionParser::number() {
  const Token token = take();
  const char* begin = token.text.data();
  const char* end = begin + token.text.size();
  if (token.kind == Kind::kFloat) {
    double value = 0;
    const auto [after, error] = std::from_chars(begin, end, value);
    if (error == std::errc::result_out_of_range) {
      value = token.text.find("e-") == std::string::npos && token.text.find("E-") == std::string::npos
                  ? HUGE_VAL
                  : 0.0;
    }
    return make(token.line, Constant{Value(value)});
  }
  int base = 10;
  if (token.text.size() > 2 && token.text[0] == '0') {
    base = token.text[1] == 'x' ? 16 : token.text[1] == 'b' ? 2 : token.text[1] == 'o' ? 8 : 10;
    if (base != 10) begin += 2;
  }
  int64_t value = 0;
  const auto [after, error] = std::from_chars(begin, end, value, base);
  if (error != std::errc() || after != end) fail_here("the number " + token.text + " is too large");
  return make(token.line, Constant{Value(value)});
}

ExpressionPtr ExpressionParser::parentheses() {
  const int line = current().line;
  expect_sign("(");
  if (take_sign(")")) return make(line, ListLiteral{{}, true});
  ExpressionPtr inside = expression_list(true);
  expect_sign(")");
  return inside;
}

ExpressionPtr ExpressionParser::list() {
  const int line = current().line;
  expect_sign("[");
  ListLiteral literal;
  while (!at_sign("]")) {
    if (!literal.items.empty()) expect_sign(",");
    if (at_sign("]")) break;
    literal.items.push_back(expression());
  }
  expect_sign("]");
  return make(line, std::move(literal));
}

ExpressionPtr ExpressionParser::dict() {
  const int line = current().line;
  expect_sign("{");
  DictLiteral literal;
  while (!at_sign("}")) {
    if (!literal.items.empty()) expect_sign(",");
    if (at_sign("}")) break;
    ExpressionPtr key = expression();
    expect_sign(":");
    literal.items.emplace_back(std::move(key), expression());
  }
  expect_sign("}");
  return make(line, std::move(literal));
}

bool ExpressionParser::at_list_end(std::string_view stop) const {
  return current().kind == Kind::kOutputEnd || current().kind == Kind::kBlockEnd || at_sign(")") ||
         (!stop.empty() && at_word(stop));
}

ExpressionPtr ExpressionParser::expression_list(bool conditional, std::string_view stop) {
  const int line = current().line;
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
  while (!at_list_end(stop)) {
    items.push_back(expression(conditional));
    if (!at_sign(",")) break;
    take();
    is_tuple = true;
  }
  if (items.empty()) unexpected("a value");
  if (!is_tuple) return std::move(items[0]);
  return make(line, ListLiteral{std::move(items), true});
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr object) {
  while (true) {
    const int line = current().line;
    if (take_sign(".")) {
      if (current().kind == Kind::kInteger) {
        ExpressionPtr key = number();
        object = make(line, Item{std::move(object), std::move(key)});
      } else {
        object = make(line, Attribute{std::move(object), expect_name()});
      }
    } else if (at_sign("[")) {
      object = subscript(std::move(object));
    } else if (at_sign("(")) {
      CallArguments arguments = call_arguments();
      object = make(line, Call{std::move(object), std::move(arguments)});
    } else {
      return object;
    }
  }
}

// object[key], object[a:b:c]; object[a, b] has a tuple as its key.
ExpressionPtr ExpressionParser::subscript(ExpressionPtr object) {
  const int line = current().line;
  expect_sign("[");
  Slice slice;
  std::vector<ExpressionPtr> keys;
  bool is_slice = false, is_tuple = false;
  while (true) {
    if (is_tuple && at_sign("]")) break;
    if (!at_sign(":")) keys.push_back(expression());
    if (at_sign(":")) {
      if (keys.size() > 1) fail_here("a slice in several dimensions");
      is_slice = true;
      if (!keys.empty()) slice.start = std::move(keys[0]);
      take();
      const auto bound = [&]() -> ExpressionPtr {
        return at_sign(":") || at_sign("]") || at_sign(",") ? nullptr : expression();
      };
      slice.stop = bound();
      if (take_sign(":")) slice.step = bound();
    }
    if (!take_sign(",")) break;
    if (is_slice) fail_here("a slice in several dimensions");
    is_tuple = true;
  }
  expect_sign("]");
  if (is_slice) {
    slice.object = std::move(object);
    return make(line, std::move(slice));
  }
  ExpressionPtr key = is_tuple ? make(line, ListLiteral{std::move(keys), true}) : std::move(keys[0]);
  return make(line, Item{std::move(object), std::move(key)});
}

CallArguments ExpressionParser::call_arguments() {
  expect_sign("(");
  CallArguments arguments;
  bool first = true;
  while (!at_sign(")")) {
    if (!first) expect_sign(",");
    if (!first && at_sign(")")) break;
    first = false;
    if (at_sign("**") && !arguments.more_named) {
      take();
      arguments.more_named = expression();
    } else if (at_sign("*") && !arguments.more_positional && !arguments.more_named) {
      take();
      arguments.more_positional = expression();
    } else if (current().kind == Kind::kName && is(following(), Kind::kSign, "=") && !arguments.more_named) {
      std::string name = take().text;
      take();
      arguments.named.emplace_back(std::move(name), expression());
    } else {
      if (!arguments.named.empty() || arguments.more_positional || arguments.more_named) {
        fail_here("a positional argument after named ones");
      }
      arguments.positional.push_back(expression());
    }
  }
  expect_sign(")");
  return arguments;
}

std::string ExpressionParser::dotted_name() {
  std::string name = expect_name();
  while (take_sign(".")) name += "." + expect_name();
  return name;
}

Filter ExpressionParser::filter(ExpressionPtr input) {
  Filter made;
  made.name = dotted_name();
  if (at_sign("(")) made.arguments = call_arguments();
  made.input = std::move(input);
  return made;
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr value) {
  while (true) {
    const int line = current().line;
    if (take_sign("|")) {
      value = make(line, filter(std::move(value)));
    } else if (at_word("is")) {
      value = test(std::move(value));
    } else if (at_sign("(")) {  // calls what a filter gave
      CallArguments arguments = call_arguments();
      value = make(line, Call{std::move(value), std::move(arguments)});
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::test(ExpressionPtr input) {
  const int line = current().line;
  expect_word("is");
  const bool negated = take_word("not");
  Test made;
  made.name = dotted_name();
  const bool names_operator = at_word("else") || at_word("or") || at_word("and");
  if (at_sign("(")) {
    made.arguments = call_arguments();
  } else if (at_word("is")) {
    fail_here("tests cannot be chained with 'is'");
  } else if (!names_operator && (current().kind == Kind::kName || current().kind == Kind::kString ||
                                 current().kind == Kind::kInteger || current().kind == Kind::kFloat ||
                                 at_sign("[") || at_sign("{"))) {
    const Nesting nesting(*this);
    made.arguments.positional.push_back(postfix(primary()));
  }
  made.input = std::move(input);
  ExpressionPtr result = make(line, std::move(made));
  if (negated) result = make(line, Unary{UnaryOp::kNot, std::move(result)});
  return result;
}

}  // namespace yoke::jinja
