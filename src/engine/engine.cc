#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/error.h"

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

const char* name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "?";
}

struct Engine::Sequence {
  Sequence(RequestId request_id, Request r, BlockPool& pool)
      : id(request_id),
        request(std::move(r)),
        sampler(request.sampling),
        blocks(pool),
        tokens(request.prompt) {
    answer.prompt_tokens = static_cast<int64_t>(request.prompt.size());
    for (const int32_t token : request.prompt) sampler.accept(token);
  }

  RequestId id;
  Request request;
  Sampler sampler;
  SequenceBlocks blocks;
  std::vector<int32_t> tokens;  // prompt and answer
  int64_t computed = 0;         // positions whose keys and values are in the cache
  Answer answer;
  bool ended = false;
  Clock::time_point started{}, first_token{};
};

Engine::Engine(StepRunner& runner, const EngineLimits& limits) : runner_(runner), limits_(limits) {}
Engine::~Engine() = default;

void check_prompt(size_t tokens, int64_t context) {
  if (tokens == 0) fail(ErrorKind::kUsage, "taking a request", "the prompt has no tokens");
  if (static_cast<int64_t>(tokens) > context) {
    fail(ErrorKind::kUsage, "taking a request",
         "the prompt's " + std::to_string(tokens) + " tokens do not fit the context of " +
             std::to_string(context) + " (a larger --ctx helps)");
  }
}

Engine::RequestId Engine::submit(Request request) {
  check_prompt(request.prompt.size(), limits_.context);
  for (const int32_t token : request.prompt) {
    if (token < 0 || token >= limits_.vocabulary) {
      fail(ErrorKind::kUsage, "taking a request",
           "token " + std::to_string(token) + " is out of range (" + std::to_string(limits_.vocabulary) +
               " tokens)");
    }
  }
  waiting_.push_back(std::make_unique<Sequence>(next_id_, std::move(request), runner_.pool()));
  return next_id_++;
}

// All blocks that the request may come to need, so that nothing runs out in the middle.
bool Engine::reserve(Sequence& sequence) {
  const auto prompt = static_cast<int64_t>(sequence.request.prompt.size());
  const int64_t most = sequence.request.most_tokens;
  const int64_t room = limits_.context - prompt;
  return sequence.blocks.reserve(prompt + (most < 0 || most > room ? room : most));
}

void Engine::reuse_kept(Sequence& sequence) {
  if (!kept_ || !sequence.request.keep_cache) return;
  const auto differs = std::ranges::mismatch(kept_->tokens, sequence.tokens);
  // The last prompt token is computed anyway: its logits are wanted.
  const int64_t same = std::min<int64_t>(differs.in1 - kept_->tokens.begin(),
                                         static_cast<int64_t>(sequence.tokens.size()) - 1);
  kept_->blocks.truncate(same);
  sequence.blocks = std::move(kept_->blocks);
  sequence.computed = sequence.answer.reused_tokens = same;
  kept_.reset();
}

void Engine::admit() {
  while (!waiting_.empty()) {
    Sequence& next = *waiting_.front();
    if (static_cast<int32_t>(active_.size()) >= runner_.limits().sequences) return;
    reuse_kept(next);
    if (!reserve(next)) {
      if (!kept_ && active_.empty()) {
        fail(ErrorKind::kDoesNotFit, "admitting a request",
             "the cache is smaller than one sequence of the context");
      }
      kept_.reset();  // an old conversation gives way
      if (!reserve(next)) return;
    }
    active_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

bool Engine::step() {
  admit();
  if (active_.empty()) return false;
  std::vector<SequenceState> states;
  for (const auto& s : active_) {
    states.push_back({.pending = static_cast<int64_t>(s->tokens.size()) - s->computed,
                      .generating = s->tokens.size() > s->request.prompt.size()});
  }
  const StepLimits& most = runner_.limits();
  const auto spans = schedule(
      states,
      {.rows = std::min(most.rows, limits_.step_rows), .wanted = most.wanted, .sequences = most.sequences},
      static_cast<int32_t>(rotation_++ % active_.size()));
  std::vector<StepItem> items;
  for (const ScheduledSpan& span : spans) {
    Sequence& s = *active_[span.sequence];
    if (s.computed == s.answer.reused_tokens) s.started = Clock::now();
    const bool last = s.computed + span.tokens == static_cast<int64_t>(s.tokens.size());
    items.push_back({.blocks = &s.blocks,
                     .first_position = static_cast<int32_t>(s.computed),
                     .tokens = std::span(s.tokens).subspan(s.computed, span.tokens),
                     .want = last ? WantLogits::kLast : WantLogits::kNone});
  }
  try {
    runner_.run(items);
  } catch (...) {  // nothing of these sequences can be trusted any more
    active_.clear();
    throw;
  }
  int32_t wanted = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    const bool has_logits = items[i].want == WantLogits::kLast;
    commit(*active_[spans[i].sequence], spans[i].tokens,
           has_logits ? runner_.logits(wanted++) : std::span<const float>{});
  }
  std::erase_if(active_, [](const auto& s) { return s->ended; });
  return true;
}

void Engine::commit(Sequence& s, int32_t tokens, std::span<const float> logits) {
  s.computed += tokens;
  if (logits.empty()) return;
  const bool first = s.answer.tokens.empty();
  const Clock::time_point now = Clock::now();
  if (first) {
    s.first_token = now;
    s.answer.prefill_s = seconds(s.started, now);
  } else {
    ++s.answer.decode_steps;
    s.answer.decode_s = seconds(s.first_token, now);
  }
  s.answer.last_logits.assign(logits.begin(), logits.end());
  const int64_t most = s.request.most_tokens;
  if (most == 0) return finish(s, FinishReason::kLength);
  take_token(s, s.sampler.sample(logits));
}

void Engine::take_token(Sequence& s, int32_t token) {
  if (std::ranges::find(s.request.end_tokens, token) != s.request.end_tokens.end())
    return finish(s, FinishReason::kStop);
  s.sampler.accept(token);
  s.tokens.push_back(token);
  s.answer.tokens.push_back(token);
  if (s.request.on_token && !s.request.on_token(token)) return finish(s, FinishReason::kCancelled);
  const auto made = static_cast<int64_t>(s.answer.tokens.size());
  const bool full = static_cast<int64_t>(s.tokens.size()) >= limits_.context + 1;
  if (made == s.request.most_tokens || full) finish(s, FinishReason::kLength);
}

void Engine::finish(Sequence& s, FinishReason reason) {
  s.ended = true;
  s.answer.reason = reason;
  if (s.request.keep_cache && s.computed > 0) {
    s.tokens.resize(static_cast<size_t>(s.computed));
    kept_.emplace(Kept{std::move(s.blocks), std::move(s.tokens)});
  }
  ended_.emplace_back(s.id, std::move(s.answer));
}

void Engine::cancel(RequestId id) {
  for (auto& s : active_) {
    if (s->id == id && !s->ended) finish(*s, FinishReason::kCancelled);
  }
  std::erase_if(active_, [](const auto& s) { return s->ended; });
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if ((*it)->id != id) continue;
    finish(**it, FinishReason::kCancelled);
    waiting_.erase(it);
    return;
  }
}

std::optional<Answer> Engine::take(RequestId id) {
  const auto found = std::ranges::find(ended_, id, &std::pair<RequestId, Answer>::first);
  if (found == ended_.end()) return std::nullopt;
  Answer answer = std::move(found->second);
  ended_.erase(found);
  return answer;
}

Answer Engine::run(Request request) {
  const RequestId id = submit(std::move(request));
  while (true) {
    if (std::optional<Answer> answer = take(id)) return std::move(*answer);
    step();
  }
}

}  // namespace yoke
