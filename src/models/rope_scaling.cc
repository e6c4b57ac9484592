#include "models/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

#include "base/error.h"

namespace yoke {
namespace {

[[noreturn]] void bad(const NetBuilder& b, const std::string& wrong) {
  fail(ErrorKind::kBadFile, "reading " + b.file().path(), wrong);
}

struct Yarn {
  double factor;
  double original_context;
  double beta_fast;
  double beta_slow;
};

// The (fractional) pair of dimensions that turns `rotations` times within the original context.
double pair_with_rotations(double rotations, int32_t rotated, double base, const Yarn& yarn) {
  return rotated * std::log(yarn.original_context / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(base));
}

// Fast pairs keep their frequency, slow ones are interpolated, those between are mixed along a ramp.
void apply_yarn(NetRope& rope, int32_t rotated, double base, const Yarn& yarn) {
  const double low = std::max(std::floor(pair_with_rotations(yarn.beta_fast, rotated, base, yarn)), 0.0);
  const double high =
      std::min(std::ceil(pair_with_rotations(yarn.beta_slow, rotated, base, yarn)), rotated - 1.0);
  for (size_t i = 0; i < rope.inverse_frequency.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / std::max(high - low, 0.001), 0.0, 1.0);
    const double kept = rope.inverse_frequency[i];
    rope.inverse_frequency[i] = kept / yarn.factor * ramp + kept * (1 - ramp);
  }
  if (yarn.factor > 1) rope.magnitude *= 1 + 0.1 * std::log(yarn.factor);
}

void apply_factors(NetBuilder& b, NetRope& rope) {
  if (!b.has("rope_freqs.weight")) return;
  const TensorInfo& tensor = b.tensor("rope_freqs.weight");
  const size_t pairs = rope.inverse_frequency.size();
  if (tensor.type_id() != static_cast<uint32_t>(DType::kF32) ||
      static_cast<size_t>(tensor.elements()) != pairs)
    bad(b, "tensor rope_freqs.weight: not F32 [" + std::to_string(pairs) + "]");
  for (size_t i = 0; i < pairs; ++i) {
    float factor = 0;
    std::memcpy(&factor, tensor.data.data() + i * sizeof(float), sizeof(float));
    if (!(factor > 0) || !std::isfinite(factor)) bad(b, "tensor rope_freqs.weight: a factor is not positive");
    rope.inverse_frequency[i] /= static_cast<double>(factor);
  }
}

}  // namespace

NetRope read_rope(NetBuilder& b, int32_t rotated) {
  const double base = b.float_or("rope.freq_base", 10000.0, 1.0001, 1e12);
  NetRope rope;
  for (int32_t i = 0; i < rotated / 2; ++i)
    rope.inverse_frequency.push_back(std::pow(base, -2.0 * i / rotated));
  const std::string type = b.text_or("rope.scaling.type", "none");
  double factor = b.float_or("rope.scaling.factor", b.float_or("rope.scale_linear", 1.0, 0, 1e6), 0, 1e6);
  if (factor == 0) factor = 1;  // how some files say that there is no scaling
  apply_factors(b, rope);
  if (type == "linear" ||
      (type == "none" && factor != 1.0 && !b.file().find_string(b.architecture() + ".rope.scaling.type"))) {
    for (double& f : rope.inverse_frequency) f /= factor;
  } else if (type == "yarn") {
    const Yarn yarn{
        .factor = factor,
        .original_context = static_cast<double>(b.int_or(
            "rope.scaling.original_context_length", b.need_int("context_length", 1, 1 << 30), 1, 1 << 30)),
        .beta_fast = b.float_or("rope.scaling.yarn_beta_fast", 32, 0.001, 1e6),
        .beta_slow = b.float_or("rope.scaling.yarn_beta_slow", 1, 0.001, 1e6)};
    rope.magnitude = b.float_or("rope.scaling.attn_factor",
                                b.float_or("rope.scaling.yarn_attn_factor", 1, 0, 1e3), 0, 1e3);
    apply_yarn(rope, rotated, base, yarn);
  } else if (type != "none") {
    bad(b, b.architecture() + ".rope.scaling.type: unknown scaling \"" + type.substr(0, 32) +
               "\" (known: none, linear, yarn)");
  }
  return rope;
}

}  // namespace yoke
