// Statements: {% for %}, {% if %} and the others, each by one function.
#include "text/jinja/parser.h"

#include <algorithm>
#include <array>

#include "text/jinja/failure.h"

namespace yoke::jinja {
namespace {

constexpr std::array<std::string_view, 6> kReserved = {"true", "false", "none", "True", "False", "None"};

class TemplateParser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;
  Block run();

 private:
  // Up to a tag whose word is one of these; the word is current then.
  Block body_until(std::initializer_list<std::string_view> ends);
  // Of a tag that has been read up to its end: the body and the tag that closes it.
  Block whole_body(std::string_view end);
  void end_tag();
  void statement(Block& out);
  decltype(Statement::node) tag(const std::string& word);
  For parse_for();
  If parse_if();
  decltype(Statement::node) parse_set();
  Macro parse_macro();
  CallBlock parse_call();
  FilterBlock parse_filter_block();
  With parse_with();
  Target target(bool may_be_attribute);
  Target target_part(bool may_be_attribute);
  Signature signature();
  // Parses a macro's body and notes which special names it reads.
  Block macro_body(Signature& signature, std::string_view end);

  int loops_ = 0;
};

Block TemplateParser::run() {
  Block block = body_until({});
  if (current().kind != Kind::kEnd) unexpected("text or a tag");
  return block;
}

Block TemplateParser::body_until(std::initializer_list<std::string_view> ends) {
  const Nesting nesting(*this);
  Block block;
  while (current().kind != Kind::kEnd) {
    if (current().kind == Kind::kBlockBegin && following().kind == Kind::kName &&
        std::find(ends.begin(), ends.end(), following().text) != ends.end()) {
      take();
      return block;
    }
    statement(block);
  }
  if (ends.size() != 0) fail_here("the template ends before {% " + std::string(*(ends.end() - 1)) + " %}");
  return block;
}

void TemplateParser::end_tag() {
  take_sign(":");
  if (current().kind != Kind::kBlockEnd) unexpected("'%}'");
  take();
}

Block TemplateParser::whole_body(std::string_view end) {
  end_tag();
  Block block = body_until({end});
  take();
  if (current().kind != Kind::kBlockEnd) unexpected("'%}'");
  take();
  return block;
}

void TemplateParser::statement(Block& out) {
  const Token token = take();
  switch (token.kind) {
    case Kind::kText:
      out.push_back({token.line, TextStatement{template_text(token.text)}});
      return;
    case Kind::kOutputBegin: {
      Output output;
      output.expressions.push_back(expression_list(true));
      if (current().kind != Kind::kOutputEnd) unexpected("'}}'");
      take();
      out.push_back({token.line, std::move(output)});
      return;
    }
    case Kind::kBlockBegin: {
      const int line = current().line;
      const std::string word = expect_name();
      out.push_back({line, tag(word)});
      return;
    }
    default:
      fail_here("unexpected '" + token.text + "'");
  }
}

decltype(Statement::node) TemplateParser::tag(const std::string& word) {
  if (word == "for") return parse_for();
  if (word == "if") return parse_if();
  if (word == "set") return parse_set();
  if (word == "macro") return parse_macro();
  if (word == "call") return parse_call();
  if (word == "filter") return parse_filter_block();
  if (word == "with") return parse_with();
  if (word == "generation") return Scope{whole_body("endgeneration")};
  if (word == "print") {
    Output output;
    while (current().kind != Kind::kBlockEnd) {
      if (!output.expressions.empty()) expect_sign(",");
      output.expressions.push_back(expression());
    }
    take();
    return output;
  }
  if (word == "break" || word == "continue") {
    if (loops_ == 0) fail_here("'" + word + "' outside of a loop");
    if (current().kind != Kind::kBlockEnd) unexpected("'%}'");
    take();
    if (word == "break") return Break{};
    return Continue{};
  }
  fail_here("unknown tag '" + word.substr(0, 40) + "'");
}

For TemplateParser::parse_for() {
  For made;
  made.target = target(false);
  expect_word("in");
  made.iterable = expression_list(false, "recursive");
  if (take_word("if")) made.filter = expression();
  made.recursive = take_word("recursive");
  end_tag();
  ++loops_;
  made.body = body_until({"else", "endfor"});
  --loops_;
  if (take_word("else")) {
    made.otherwise = whole_body("endfor");
  } else {
    take();
    if (current().kind != Kind::kBlockEnd) unexpected("'%}'");
    take();
  }
  return made;
}

If TemplateParser::parse_if() {
  If made;
  while (true) {
    ExpressionPtr condition = expression_list(false);
    end_tag();
    Block body = body_until({"elif", "else", "endif"});
    made.branches.push_back({std::move(condition), std::move(body)});
    if (take_word("elif")) continue;
    if (take_word("else")) {
      made.otherwise = whole_body("endif");
      return made;
    }
    take();
    if (current().kind != Kind::kBlockEnd) unexpected("'%}'");
    take();
    return made;
  }
}

decltype(Statement::node) TemplateParser::parse_set() {
  Target where = target(true);
  if (take_sign("=")) {
    Set made{std::move(where), expression_list(true)};
    if (current().kind != Kind::kBlockEnd) unexpected("'%}'");
    take();
    return made;
  }
  SetBlock made;
  made.target = std::move(where);
  while (take_sign("|")) made.filters.push_back(filter(nullptr));
  made.body = whole_body("endset");
  return made;
}

Macro TemplateParser::parse_macro() {
  Macro made;
  made.name = expect_name();
  made.signature = signature();
  made.body = macro_body(made.signature, "endmacro");
  return made;
}

CallBlock TemplateParser::parse_call() {
  CallBlock made;
  if (at_sign("(")) made.signature = signature();
  made.call = expression();
  if (!std::holds_alternative<Call>(made.call->node)) fail_here("expected a call");
  made.body = macro_body(made.signature, "endcall");
  return made;
}

FilterBlock TemplateParser::parse_filter_block() {
  FilterBlock made;
  do made.filters.push_back(filter(nullptr));
  while (take_sign("|"));
  made.body = whole_body("endfilter");
  return made;
}

With TemplateParser::parse_with() {
  With made;
  while (current().kind != Kind::kBlockEnd) {
    if (!made.variables.empty()) expect_sign(",");
    Target name = target_part(false);
    expect_sign("=");
    made.variables.emplace_back(std::move(name), expression());
  }
  made.body = whole_body("endwith");
  return made;
}

Target TemplateParser::target(bool may_be_attribute) {
  std::vector<Target> parts;
  bool several = false;
  while (!at_sign("=") && !at_word("in") && !at_sign(")") && current().kind != Kind::kBlockEnd) {
    parts.push_back(target_part(may_be_attribute));
    if (!take_sign(",")) break;
    several = true;
  }
  if (parts.empty()) unexpected("a name");
  if (!several) return std::move(parts[0]);
  Target made;
  made.unpack = true;
  made.parts = std::move(parts);
  return made;
}

Target TemplateParser::target_part(bool may_be_attribute) {
  const Nesting nesting(*this);
  if (take_sign("(")) {
    Target made = target(may_be_attribute);
    expect_sign(")");
    return made;
  }
  Target made;
  made.name = expect_name();
  const bool of_loop = loops_ > 0 && made.name == "loop";
  if (of_loop || std::find(kReserved.begin(), kReserved.end(), made.name) != kReserved.end()) {
    fail_here("'" + made.name + "' cannot be assigned");
  }
  if (may_be_attribute && take_sign(".")) made.attribute = expect_name();
  if (made.attribute.empty()) {
    for (NamesSeen& seen : macro_bodies_) seen.stored.insert(made.name);
  }
  return made;
}

Signature TemplateParser::signature() {
  Signature made;
  expect_sign("(");
  while (!at_sign(")")) {
    if (!made.parameters.empty()) expect_sign(",");
    if (at_sign(")")) break;
    Parameter parameter;
    parameter.name = expect_name();
    if (take_sign("=")) {
      parameter.default_value = expression();
    } else if (!made.parameters.empty() && made.parameters.back().default_value) {
      fail_here("a parameter without a default after one with a default");
    }
    made.parameters.push_back(std::move(parameter));
  }
  expect_sign(")");
  return made;
}

Block TemplateParser::macro_body(Signature& signature, std::string_view end) {
  macro_bodies_.emplace_back();
  const int outer_loops = std::exchange(loops_, 0);
  Block body = whole_body(end);
  loops_ = outer_loops;
  const auto uses = [&](const char* special) {
    const bool is_parameter = std::any_of(signature.parameters.begin(), signature.parameters.end(),
                                          [&](const Parameter& p) { return p.name == special; });
    return !is_parameter && macro_bodies_.back().read.contains(special);
  };
  signature.uses_caller = uses("caller");
  signature.uses_varargs = uses("varargs");
  signature.uses_kwargs = uses("kwargs");
  macro_bodies_.pop_back();
  return body;
}

}  // namespace

Block parse_template(std::string_view source) {
  return TemplateParser(tokenize_template(source)).run();
}

}  // namespace yoke::jinja
