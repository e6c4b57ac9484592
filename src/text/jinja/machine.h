// Runs a template: the scopes, the work done so far, and what filters and methods need from the interpreter.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/value.h"

namespace yoke::jinja {

// The variables of one scope; lookups go on in the parent.
struct Frame {
  std::vector<std::pair<std::string, Value>> variables;
  std::shared_ptr<Frame> parent;
  bool captured = false;  // by a macro

  const Value* find(std::string_view name) const;
  void set(std::string_view name, Value value);
};
using FramePtr = std::shared_ptr<Frame>;

struct Limits {
  size_t work = 20'000'000;              // about one per node evaluated and per 16 bytes moved
  size_t text_bytes = 32 * 1024 * 1024;  // of any string, the output included
  int depth = 700;                       // of nested evaluation
};

class Machine {
 public:
  Machine(const Limits& limits, const std::optional<std::tm>& now) : limits_(limits), now_(now) {}
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // variables: what the caller passes in.
  Text run(const Block& block, std::vector<std::pair<std::string, Value>> variables);

  Value call(const Value& callee, const Arguments& arguments);
  Value apply_filter(std::string_view name, const Value& input, const Arguments& arguments);
  bool apply_test(std::string_view name, const Value& input, const Arguments& arguments);
  // Throw Failure where the budget is used up.
  void charge(size_t work);
  void charge_text(size_t bytes);
  // Namespaces can hold themselves; they are taken apart at the end.
  NamespacePtr new_namespace();
  // What strftime_now shows.
  std::tm now() const;
  int line() const { return line_; }

  // Bounds the recursion of anything that evaluates.
  class Deeper {
   public:
    explicit Deeper(Machine& machine);
    ~Deeper() { --machine_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Machine& machine_;
  };

 private:
  enum class Flow { kNormal, kBreak, kContinue };

  Value evaluate(const ExpressionPtr& expression, const FramePtr& frame);
  struct Evaluator;
  Arguments arguments(const CallArguments& call, const FramePtr& frame);
  Value filtered(const std::vector<Filter>& filters, Value value, const FramePtr& frame);
  bool compare(const Comparison& comparison, const FramePtr& frame);

  Flow execute(const Block& block, const FramePtr& frame, Text& out);
  struct Executor;
  Flow run_for(const For& loop, const Value& iterable, int64_t depth, const FramePtr& frame, Text& out);
  Text captured(const Block& block, const FramePtr& frame);
  void assign(const Target& target, const Value& value, const FramePtr& frame);
  Value make_macro(const std::string& name, const Signature& signature, const Block& body,
                   const FramePtr& frame);
  Text call_macro(const std::string& name, const Signature& signature, const Block& body,
                  const FramePtr& frame, const Arguments& arguments);
  void append(Text& out, const Text& text);

  Limits limits_;
  std::optional<std::tm> now_;
  size_t work_ = 0;
  int depth_ = 0;
  int line_ = 1;
  std::vector<NamespacePtr> namespaces_;
  std::vector<FramePtr> captured_frames_;  // by macros
};

}  // namespace yoke::jinja
