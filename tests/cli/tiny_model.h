// Models of a megabyte for tests, made by the program itself.
#pragma once

#include <string>

#include "process.h"
#include "support/temp_folder.h"

namespace yoke::test {

// hidden 256, 320 tokens. more: options of `yoke synth` that come last and so may repeat none of these.
inline void make_model(const std::string& path, const std::string& like = "SmolLM2-135M",
                       const Arguments& more = {"--type", "Q8_0"}) {
  Arguments all = {"synth", "--like",         like,  "--layers",     "3",   "--hidden",
                   "256",   "--heads",        "4",   "--kv-heads",   "2",   "--head-dim",
                   "64",    "--feed-forward", "512", "--vocabulary", "320", path};
  all.insert(all.end(), more.begin(), more.end());
  const Result r = run(all);
  if (r.code != 0) throw std::runtime_error("synth: " + r.err);
}

// Of the tiny vocabulary.
inline constexpr int kTinyBos = 316;
inline constexpr int kTinyEos = 319;

// A model whose file says that BOS is added: the bool of that key, turned round.
inline void make_bos_model(const std::string& path) {
  make_model(path);
  std::vector<std::byte> bytes = read_bytes(path);
  const std::string key = "tokenizer.ggml.add_bos_token";
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const size_t value = text.find(key) + key.size() + 4;  // behind the value's type
  if (bytes.at(value) != std::byte{0}) throw std::runtime_error("the model adds BOS already");
  bytes[value] = std::byte{1};
  write_bytes(path, bytes);
}

// A folder with a model in it, alive as long as the test program.
class TinyModel {
 public:
  // Tied head, trained for 8192 positions.
  static const std::string& tied() {
    static const TinyModel model("SmolLM2-135M", {"--type", "Q8_0"});
    return model.path_;
  }
  // A head of its own, F16: its token table is read from the mapped file in every step.
  static const std::string& untied() {
    static const TinyModel model("TinyLlama-1.1B", {"--type", "F16", "--context", "100000"});
    return model.path_;
  }

 private:
  TinyModel(const std::string& like, const Arguments& more) : path_(folder_ / "model.gguf") {
    make_model(path_, like, more);
  }

  TempFolder folder_;
  std::string path_;
};

}  // namespace yoke::test
