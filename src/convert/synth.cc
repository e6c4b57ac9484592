#include "convert/synth.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "convert/row_workers.h"
#include "convert/synth_vocabulary.h"
#include "gguf/gguf_writer.h"
#include "tensor/quantize.h"

namespace yoke {
namespace {

constexpr std::array<SynthShape, 5> kShapes = {{
    {"SmolLM2-135M", "llama", 576, 30, 9, 3, 64, 1536, 49152, 8192, 100000, true, false, false, "smollm"},
    {"TinyLlama-1.1B", "llama", 2048, 22, 32, 4, 64, 5632, 32000, 2048, 10000, false, false, false, "smollm"},
    {"Llama-3.1-8B", "llama", 4096, 32, 32, 8, 128, 14336, 128256, 131072, 500000, false, false, false,
     "llama-bpe"},
    {"Qwen3-0.6B", "qwen3", 1024, 28, 16, 8, 128, 3072, 151936, 40960, 1000000, true, true, false, "qwen2"},
    {"Qwen3-8B", "qwen3", 4096, 36, 32, 8, 128, 12288, 151936, 40960, 1000000, false, true, false, "qwen2"},
}};

// Steps of a table of 4096 equally likely values of the normal distribution: as good as exact for weights.
class NormalTable {
 public:
  NormalTable() {
    for (size_t i = 0; i < values_.size(); ++i) values_[i] = quantile((static_cast<double>(i) + 0.5) / 4096);
  }
  float operator[](uint64_t random) const { return values_[random & 4095]; }

 private:
  // By bisection of the distribution function.
  static float quantile(double p) {
    double low = -8, high = 8;
    for (int i = 0; i < 60; ++i) {
      const double mid = (low + high) / 2;
      (0.5 * std::erfc(-mid / std::numbers::sqrt2) < p ? low : high) = mid;
    }
    return static_cast<float>(low);
  }
  std::array<float, 4096> values_{};
};

// xorshift64*: Vigna 2014; four table indices a step.
class Stream {
 public:
  explicit Stream(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 0x632BE59BD9B4E019u) {
    if (state_ == 0) state_ = 1;
    for (int i = 0; i < 4; ++i) next();
  }
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }

 private:
  uint64_t state_;
};

void fill_row(const NormalTable& normal, uint64_t seed, float deviation, std::vector<float>& row) {
  Stream stream(seed);
  size_t i = 0;
  for (; i + 4 <= row.size(); i += 4) {
    const uint64_t r = stream.next();
    for (int j = 0; j < 4; ++j) row[i + j] = normal[r >> (16 + 12 * j)] * deviation;
  }
  for (; i < row.size(); ++i) row[i] = normal[stream.next() >> 20] * deviation;
}

class Synth {
 public:
  Synth(const std::string& path, const SynthOptions& options)
      : o_(options), s_(options.shape), writer_(path) {}

  void run() {
    check();
    write_metadata();
    declare_tensors();
    writer_.begin();
    for (size_t t = 0; t < tensors_.size(); ++t) write(tensors_[t], t);
    writer_.finish();
  }

 private:
  struct Tensor {
    std::string name;
    int64_t rows, cols;
    DType type;
    bool norm;  // ones
  };

  void check() const {
    const auto positive = {s_.hidden, s_.layers, s_.heads, s_.kv_heads, s_.head_dim, s_.feed_forward};
    if (std::ranges::any_of(positive, [](int64_t n) { return n < 1 || n > (1 << 20); }) || s_.layers > 4096 ||
        s_.heads % s_.kv_heads != 0 || s_.head_dim % 2 != 0 || s_.vocabulary < 300 ||
        s_.vocabulary > (1 << 24))
      fail(ErrorKind::kUsage, "making a model",
           "the shape cannot be (heads must be a multiple of kv heads, head "
           "dimensions even, the vocabulary at least 300)");
  }

  void write_metadata() {
    const std::string a(s_.architecture);
    const auto u32 = [](int64_t n) { return static_cast<uint32_t>(n); };
    writer_.set("general.architecture", a);
    writer_.set("general.name", "random weights in the shape of " + std::string(s_.name));
    writer_.set("general.file_type", o_.type.file_type());
    writer_.set("general.quantization_version", uint32_t{2});
    writer_.set(a + ".block_count", u32(s_.layers));
    writer_.set(a + ".context_length", u32(s_.context));
    writer_.set(a + ".embedding_length", u32(s_.hidden));
    writer_.set(a + ".feed_forward_length", u32(s_.feed_forward));
    writer_.set(a + ".attention.head_count", u32(s_.heads));
    writer_.set(a + ".attention.head_count_kv", u32(s_.kv_heads));
    writer_.set(a + ".attention.key_length", u32(s_.head_dim));
    writer_.set(a + ".attention.value_length", u32(s_.head_dim));
    writer_.set(a + ".attention.layer_norm_rms_epsilon", 1e-5F);
    writer_.set(a + ".rope.dimension_count", u32(s_.head_dim));
    writer_.set(a + ".rope.freq_base", static_cast<float>(s_.rope_base));
    writer_.set(a + ".vocab_size", u32(s_.vocabulary));
    write_synth_vocabulary(writer_, s_.vocabulary, s_.pre);
  }

  void add(const std::string& name, int64_t rows, int64_t cols, int32_t block, bool head = false) {
    const DType asked = o_.type.type_for(
        {.name = name, .is_output = head, .block = block, .blocks = static_cast<int32_t>(s_.layers)});
    tensors_.push_back({name, rows, cols, with_fallback(asked, cols), false});
  }
  void add_vector(const std::string& name, int64_t size, bool norm) {
    tensors_.push_back({name, 1, size, DType::kF32, norm});
  }

  void declare_tensors() {
    const int64_t q = s_.heads * s_.head_dim, kv = s_.kv_heads * s_.head_dim;
    add("token_embd.weight", s_.vocabulary, s_.hidden, -1, s_.tied);
    for (int32_t b = 0; b < s_.layers; ++b) {
      const std::string blk = "blk." + std::to_string(b) + ".";
      add_vector(blk + "attn_norm.weight", s_.hidden, true);
      add(blk + "attn_q.weight", q, s_.hidden, b);
      add(blk + "attn_k.weight", kv, s_.hidden, b);
      add(blk + "attn_v.weight", kv, s_.hidden, b);
      if (s_.qkv_bias) {
        add_vector(blk + "attn_q.bias", q, false);
        add_vector(blk + "attn_k.bias", kv, false);
        add_vector(blk + "attn_v.bias", kv, false);
      }
      if (s_.head_norms) {
        add_vector(blk + "attn_q_norm.weight", s_.head_dim, true);
        add_vector(blk + "attn_k_norm.weight", s_.head_dim, true);
      }
      add(blk + "attn_output.weight", s_.hidden, q, b);
      add_vector(blk + "ffn_norm.weight", s_.hidden, true);
      add(blk + "ffn_gate.weight", s_.feed_forward, s_.hidden, b);
      add(blk + "ffn_up.weight", s_.feed_forward, s_.hidden, b);
      add(blk + "ffn_down.weight", s_.hidden, s_.feed_forward, b);
    }
    add_vector("output_norm.weight", s_.hidden, true);
    if (!s_.tied) add("output.weight", s_.vocabulary, s_.hidden, -1, true);
    for (const Tensor& t : tensors_) {
      const std::array<int64_t, 2> shape = {t.cols, t.rows};
      const bool vector = t.rows == 1 && t.type == DType::kF32;
      writer_.declare(t.name, static_cast<uint32_t>(t.type), std::span(shape).first(vector ? 1 : 2));
    }
  }

  void write(const Tensor& t, size_t number) {
    const float deviation = static_cast<float>(1.0 / std::sqrt(static_cast<double>(t.cols)));
    const uint64_t row_bytes = stored_bytes(t.type, 1, t.cols);
    make_rows(
        t.rows, row_bytes, o_.threads,
        [&](int64_t first, int64_t last, std::byte* out) {
          std::vector<float> row(static_cast<size_t>(t.cols), 1.0F);
          for (int64_t r = first; r < last; ++r, out += row_bytes) {
            if (!t.norm)
              fill_row(normal_,
                       (o_.seed << 40) + (static_cast<uint64_t>(number) << 24) + static_cast<uint64_t>(r),
                       deviation, row);
            quantize(t.type, row.data(), t.cols, out);
          }
        },
        [&](std::span<const std::byte> bytes) {
          writer_.append(bytes);
          done_ += bytes.size();
          if (o_.progress) o_.progress(done_, writer_.total_bytes());
        });
  }

  const SynthOptions& o_;
  const SynthShape& s_;
  GgufWriter writer_;
  NormalTable normal_;
  std::vector<Tensor> tensors_;
  uint64_t done_ = 0;
};

}  // namespace

std::span<const SynthShape> synth_shapes() {
  return kShapes;
}

SynthShape synth_shape(std::string_view name) {
  std::string known;
  for (const SynthShape& shape : kShapes) {
    if (shape.name == name) return shape;
    known += (known.empty() ? "" : ", ") + std::string(shape.name);
  }
  fail(ErrorKind::kUsage, "reading --like",
       "\"" + std::string(name) + "\" is no known shape (known: " + known + ")");
}

void synth_model(const std::string& path, const SynthOptions& options) {
  Synth(path, options).run();
}

}  // namespace yoke
