// Makes tokens less likely that have been used lately.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>

namespace yoke {

// As llama.cpp and OpenAI define them; over the last `window` tokens, prompt included.
struct PenaltyParams {
  float repeat = 1;     // a used token's logit is divided by it, or multiplied if negative; 1: off
  float presence = 0;   // subtracted from a used token's logit; 0: off
  float frequency = 0;  // subtracted for each use; 0: off
  int32_t window = 64;  // tokens; 0: none, -1: all

  bool off() const { return window == 0 || (repeat == 1 && presence == 0 && frequency == 0); }
};

class Penalties {
 public:
  explicit Penalties(PenaltyParams params) : params_(params) {}

  bool off() const { return params_.off() || counts_.empty(); }
  // The next token of the sequence.
  void accept(int32_t token);
  // logits[vocabulary] of the tokens in the window; ids past its end are left alone.
  void apply(std::span<float> logits) const;

 private:
  PenaltyParams params_;
  std::deque<int32_t> recent_;
  std::unordered_map<int32_t, int32_t> counts_;  // uses within the window
};

}  // namespace yoke
