#include "fuzz/gguf_seeds.h"

#include <cstdint>
#include <random>
#include <span>

#include "gguf/byte_sink.h"
#include "gguf/gguf_writer.h"
#include "support/temp_folder.h"

namespace yoke::test {
namespace {

constexpr uint32_t kF32 = 0, kQ4_0 = 2, kQ8_0 = 8;
constexpr int64_t kHidden = 64, kHeads = 4, kKvHeads = 2, kFeedForward = 96, kBlocks = 2;

// The printable stand-in of a byte in GPT-2's vocabularies, as UTF-8.
std::string stand_in(unsigned byte) {
  const auto keeps_itself = [](unsigned b) {
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
  };
  unsigned code = byte;
  if (!keeps_itself(byte)) {
    code = 256;
    for (unsigned b = 0; b < byte; ++b) code += keeps_itself(b) ? 0 : 1;
  }
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

void set_vocabulary(GgufWriter& w, int64_t* size) {
  std::vector<std::string> tokens = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  std::vector<int32_t> types = {3, 3, 3};
  for (unsigned b = 0; b < 256; ++b) tokens.push_back(stand_in(b));
  const std::vector<std::string> merges = {"t h", "th e", "i n", "Ġ the"};
  for (const char* merged : {"th", "the", "in", "Ġthe"}) tokens.push_back(merged);
  types.resize(tokens.size(), 1);
  w.set("tokenizer.ggml.model", "gpt2");
  w.set("tokenizer.ggml.pre", "gpt-2");
  w.set("tokenizer.ggml.tokens", EncodedValue::texts(tokens));
  w.set("tokenizer.ggml.token_type", EncodedValue::numbers(types));
  w.set("tokenizer.ggml.merges", EncodedValue::texts(merges));
  w.set("tokenizer.ggml.bos_token_id", uint32_t{1});
  w.set("tokenizer.ggml.eos_token_id", uint32_t{2});
  w.set("tokenizer.ggml.add_bos_token", false);
  w.set("tokenizer.chat_template",
        "{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}");
  *size = static_cast<int64_t>(tokens.size());
}

// Quantized blocks from random bytes whose scale (the first two bytes) is a small half; floats near zero.
void append_random(GgufWriter& w, std::mt19937_64& random, uint32_t type_id, int64_t values) {
  const GgufType& type = *find_gguf_type(type_id);
  ByteSink sink;
  for (int64_t i = 0; i < values / type.block_values; ++i) {
    if (type_id == kF32) {
      sink.number(static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 10000.0f);
      continue;
    }
    sink.number<uint16_t>(0x1400);  // 2^-10
    for (uint32_t b = 2; b < type.block_bytes; ++b) sink.number(static_cast<uint8_t>(random()));
  }
  w.append(sink.take());
}

struct Weight {
  std::string name;
  uint32_t type;
  std::vector<int64_t> shape;
};

std::vector<Weight> llama_weights(int64_t vocabulary) {
  constexpr int64_t kKv = kHidden / kHeads * kKvHeads;
  std::vector<Weight> all = {{"token_embd.weight", kQ8_0, {kHidden, vocabulary}},
                             {"output_norm.weight", kF32, {kHidden}}};
  for (int64_t b = 0; b < kBlocks; ++b) {
    const std::string blk = "blk." + std::to_string(b) + ".";
    all.push_back({blk + "attn_norm.weight", kF32, {kHidden}});
    all.push_back({blk + "attn_q.weight", kQ4_0, {kHidden, kHidden}});
    all.push_back({blk + "attn_k.weight", kQ8_0, {kHidden, kKv}});
    all.push_back({blk + "attn_v.weight", kQ8_0, {kHidden, kKv}});
    all.push_back({blk + "attn_output.weight", kQ4_0, {kHidden, kHidden}});
    all.push_back({blk + "ffn_norm.weight", kF32, {kHidden}});
    all.push_back({blk + "ffn_gate.weight", kQ8_0, {kHidden, kFeedForward}});
    all.push_back({blk + "ffn_up.weight", kQ8_0, {kHidden, kFeedForward}});
    all.push_back({blk + "ffn_down.weight", kQ4_0, {kFeedForward, kHidden}});
  }
  return all;
}

void write_tiny_llama(GgufWriter& w) {
  int64_t vocabulary = 0;
  w.set("general.architecture", "llama");
  w.set("general.name", "tiny");
  w.set("llama.block_count", static_cast<uint32_t>(kBlocks));
  w.set("llama.context_length", uint32_t{128});
  w.set("llama.embedding_length", static_cast<uint32_t>(kHidden));
  w.set("llama.feed_forward_length", static_cast<uint32_t>(kFeedForward));
  w.set("llama.attention.head_count", static_cast<uint32_t>(kHeads));
  w.set("llama.attention.head_count_kv", static_cast<uint32_t>(kKvHeads));
  w.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  w.set("llama.rope.freq_base", 10000.0f);
  w.set("llama.rope.dimension_count", static_cast<uint32_t>(kHidden / kHeads));
  set_vocabulary(w, &vocabulary);
  w.set("llama.vocab_size", static_cast<uint32_t>(vocabulary));
  const std::vector<Weight> weights = llama_weights(vocabulary);
  for (const Weight& t : weights) w.declare(t.name, t.type, t.shape);
  std::mt19937_64 random(1);
  for (const Weight& t : weights) {
    int64_t values = 1;
    for (const int64_t n : t.shape) values *= n;
    append_random(w, random, t.type, values);
  }
}

void write_every_type(GgufWriter& w) {
  w.set("general.alignment", uint32_t{64});
  w.set("u8", uint8_t{1});
  w.set("i8", int8_t{-1});
  w.set("u16", uint16_t{2});
  w.set("i16", int16_t{-2});
  w.set("u32", uint32_t{3});
  w.set("i32", int32_t{-3});
  w.set("u64", uint64_t{4});
  w.set("i64", int64_t{-4});
  w.set("f32", 1.5f);
  w.set("f64", 2.5);
  w.set("bool", true);
  w.set("string", "text");
  w.set("bools", EncodedValue::numbers(std::vector<char>{}));
  const bool flags[] = {true, false};
  w.set("flags", EncodedValue::numbers(flags));
  const EncodedValue inner[] = {EncodedValue::texts(std::vector<std::string>{"a", ""}),
                                EncodedValue::numbers(std::vector<int64_t>{1, 2, 3})};
  const EncodedValue middle[] = {EncodedValue::array(GgufValueType::kArray, inner)};
  w.set("nested", EncodedValue::array(GgufValueType::kArray, middle));
  const int64_t shape[] = {256};
  for (const GgufType& t : gguf_types()) w.declare(t.name, t.id, shape);
  for (const GgufType& t : gguf_types())
    w.append(std::vector<std::byte>(256 / t.block_values * t.block_bytes));
}

std::vector<std::byte> vocabulary_of_version_two() {
  ByteSink s;
  const auto entry = [&](const char* key, const EncodedValue& value) {
    s.text(key);
    s.number(static_cast<uint32_t>(value.type));
    s.bytes(value.bytes);
  };
  s.bytes(std::as_bytes(std::span("GGUF", 4)));
  s.number<uint32_t>(2);
  s.number<uint64_t>(0);
  s.number<uint64_t>(4);
  entry("general.architecture", EncodedValue::text("llama"));
  entry("tokenizer.ggml.model", EncodedValue::text("llama"));
  entry("tokenizer.ggml.tokens", EncodedValue::texts(std::vector<std::string>{"<unk>", "<s>", "</s>", "▁a"}));
  entry("tokenizer.ggml.scores", EncodedValue::numbers(std::vector<float>{0, 0, 0, -1}));
  return s.take();
}

std::vector<std::byte> shapes_with_gaps() {
  ByteSink s;
  s.bytes(std::as_bytes(std::span("GGUF", 4)));
  s.number<uint32_t>(3);
  s.number<uint64_t>(5);
  s.number<uint64_t>(0);
  for (uint32_t rank = 0; rank < 5; ++rank) {
    s.text("t" + std::to_string(rank));
    s.number(rank);
    for (uint32_t d = 0; d < rank; ++d) s.number<uint64_t>(d + 1);
    s.number(kF32);
    s.number<uint64_t>((4 - rank) * 128);  // last one first
  }
  auto bytes = s.take();
  bytes.resize((bytes.size() + 31) / 32 * 32 + 640);
  return bytes;
}

template <typename F>
GgufSeed written(const char* name, F write) {
  const TempFolder folder;
  GgufWriter w(folder / "seed.gguf");
  write(w);
  w.finish();
  return {name, read_bytes(folder / "seed.gguf")};
}

}  // namespace

std::vector<GgufSeed> gguf_seeds() {
  return {written("tiny-llama", write_tiny_llama),
          written("every-type", write_every_type),
          {"vocabulary", vocabulary_of_version_two()},
          {"shapes", shapes_with_gaps()}};
}

}  // namespace yoke::test
