// A parsed template: expressions and statements as plain data.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "text/jinja/value.h"

namespace yoke::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Block = std::vector<Statement>;

struct Constant {
  Value value;
};
struct Name {
  std::string name;
};
struct ListLiteral {
  std::vector<ExpressionPtr> items;
  bool tuple = false;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> items;
};
struct Attribute {  // object.name
  ExpressionPtr object;
  std::string name;
};
struct Item {  // object[key]
  ExpressionPtr object, key;
};
struct Slice {  // object[start:stop:step]; null: left out
  ExpressionPtr object, start, stop, step;
};
struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr more_positional, more_named;  // *args, **kwargs
};
struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct Filter {
  ExpressionPtr input;  // null: the block of a filter statement
  std::string name;
  CallArguments arguments;
};
struct Test {
  ExpressionPtr input;
  std::string name;
  CallArguments arguments;
};
enum class UnaryOp { kNot, kMinus, kPlus };
struct Unary {
  UnaryOp op;
  ExpressionPtr operand;
};
enum class BinaryOp { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
struct Binary {
  BinaryOp op;
  ExpressionPtr left, right;
};
struct Logical {
  bool is_and;
  ExpressionPtr left, right;
};
struct Concatenation {
  std::vector<ExpressionPtr> parts;
};
enum class CompareOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };
struct Comparison {  // first op operand op operand ...
  ExpressionPtr first;
  std::vector<std::pair<CompareOp, ExpressionPtr>> rest;
};
struct Conditional {  // then if condition else otherwise
  ExpressionPtr condition, then, otherwise;
};

struct Expression {
  int line = 0;
  int depth = 1;  // of this tree; the parser bounds it
  std::variant<Constant, Name, ListLiteral, DictLiteral, Attribute, Item, Slice, Call, Filter, Test, Unary,
               Binary, Logical, Concatenation, Comparison, Conditional>
      node;
};

// Where a value is stored: a name, a namespace's attribute, or several targets that unpack a sequence.
struct Target {
  std::string name;
  std::string attribute;      // not empty: name.attribute
  std::vector<Target> parts;  // not empty: unpack
  bool unpack = false;
};

struct Parameter {
  std::string name;
  ExpressionPtr default_value;  // null: none
};

struct Signature {
  std::vector<Parameter> parameters;
  // Special names that the body reads.
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

struct TextStatement {
  Value text;
};
struct Output {
  std::vector<ExpressionPtr> expressions;
};
struct If {
  struct Branch {
    ExpressionPtr condition;
    Block body;
  };
  std::vector<Branch> branches;  // if and elif
  Block otherwise;
};
struct For {
  Target target;
  ExpressionPtr iterable, filter;
  Block body, otherwise;
  bool recursive = false;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  std::vector<Filter> filters;
  Block body;
};
struct FilterBlock {
  std::vector<Filter> filters;  // applied in order
  Block body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> variables;
  Block body;
};
struct Macro {
  std::string name;
  Signature signature;
  Block body;
};
struct CallBlock {
  ExpressionPtr call;  // a Call
  Signature signature;
  Block body;
};
// A block that opens a scope and prints: {% block %}, and {% generation %} that marks an assistant's text.
struct Scope {
  Block body;
};
struct Break {};
struct Continue {};

struct Statement {
  int line = 0;
  std::variant<TextStatement, Output, If, For, Set, SetBlock, FilterBlock, With, Macro, CallBlock, Scope,
               Break, Continue>
      node;
};

}  // namespace yoke::jinja
