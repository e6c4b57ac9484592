// Answers requests, many at a time: schedule, step, sample, commit, in one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cache/sequence_blocks.h"
#include "engine/scheduler.h"
#include "engine/step_runner.h"
#include "sampling/sampler.h"

namespace yoke {

enum class FinishReason : uint8_t { kStop, kLength, kCancelled };
const char* name(FinishReason reason);  // "stop"

struct Request {
  std::vector<int32_t> prompt;  // at least one token
  int64_t most_tokens = -1;     // generated at most; -1: as the context allows
  SamplingParams sampling = {};
  std::vector<int32_t> end_tokens = {};  // any of these ends the answer and is not part of it
  // Told each token as it is sampled (end tokens not); false cancels.
  std::function<bool(int32_t token)> on_token = {};
  // The request continues a conversation: what the cache still holds of the same beginning is not computed
  // again.
  bool keep_cache = false;
};

struct Answer {
  std::vector<int32_t> tokens;  // without the end token
  FinishReason reason = FinishReason::kStop;
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;       // of the prompt, found in the cache
  double prefill_s = 0;            // from the first prompt step to the first token
  int64_t decode_steps = 0;        // after the first token's; the end token has one too
  double decode_s = 0;             // of those steps
  std::vector<float> last_logits;  // the row of the request's last step
};

struct EngineLimits {
  int32_t step_rows = 512;         // --chunk: prompt rows a step
  int64_t context = 0;             // positions of one sequence
  int64_t vocabulary = INT32_MAX;  // tokens
};

// Throws kUsage where a prompt is empty or longer than the context.
void check_prompt(size_t tokens, int64_t context);

class Engine {
 public:
  Engine(StepRunner& runner, const EngineLimits& limits);
  ~Engine();

  using RequestId = int64_t;
  // Throws kUsage where the prompt alone does not fit the context or holds ids out of range. A request that
  // finds no free cache blocks waits for those before it.
  RequestId submit(Request request);
  // One step over everything admitted; false where there is nothing to do.
  bool step();
  // The answer ends with what it has. Between steps, by the thread that steps.
  void cancel(RequestId id);
  // Once, after the request has ended.
  std::optional<Answer> take(RequestId id);
  // Steps until that request has ended.
  Answer run(Request request);

 private:
  struct Sequence;
  struct Kept {
    SequenceBlocks blocks;
    std::vector<int32_t> tokens;  // computed ones: what the blocks hold
  };

  void admit();
  bool reserve(Sequence& sequence);
  void reuse_kept(Sequence& sequence);
  void commit(Sequence& sequence, int32_t tokens, std::span<const float> logits);
  void take_token(Sequence& sequence, int32_t token);
  void finish(Sequence& sequence, FinishReason reason);

  StepRunner& runner_;
  EngineLimits limits_;
  std::list<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> active_;  // in order of arrival
  std::vector<std::pair<RequestId, Answer>> ended_;
  std::optional<Kept> kept_;
  RequestId next_id_ = 1;
  uint32_t rotation_ = 0;
};

}  // namespace yoke
