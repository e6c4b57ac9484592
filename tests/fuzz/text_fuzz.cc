// libFuzzer: any bytes as a chat template, and as text for the tokenizers; errors are fine, anything else is
// not.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "text/jinja/json.h"
#include "text/jinja/template.h"
#include "text/small_vocabularies.h"
#include "text/stream_decoder.h"

namespace yoke {
namespace {

void try_template(const std::string& source) {
  static const jinja::Value messages = jinja::parse_json(
      R"([{"role": "system", "content": "S"}, {"role": "user", "content": "a <|im_end|> é"},
          {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.5}}}]}])");
  jinja::Limits limits;
  limits.work = 200'000;
  limits.text_bytes = 1 << 20;
  try {
    jinja::Template::parse(source).render({{"messages", messages},
                                           {"add_generation_prompt", jinja::Value(true)},
                                           {"bos_token", jinja::template_text("<s>")}},
                                          limits);
  } catch (const Error& error) {
    if (std::string(error.what()).empty()) std::abort();
  }
}

void try_text(const Tokenizer& tokenizer, const std::string& text, bool lossless) {
  EncodeOptions plain;
  plain.add_special = false;
  const auto ids = tokenizer.encode(text, plain);
  for (const int32_t id : ids) {
    if (tokenizer.is_control(id) && id != tokenizer.vocabulary().unk) std::abort();
  }
  if (lossless && tokenizer.decode(ids) != text) std::abort();
  plain.parse_special = true;
  DecodeOptions shown;
  shown.keep_special = true;
  const auto special = tokenizer.encode(text, plain);
  if (lossless && tokenizer.decode(special, shown) != text) std::abort();
  StreamDecoder decoder(tokenizer);
  for (const int32_t id : special) decoder.push(id);
  decoder.flush();
}

}  // namespace
}  // namespace yoke

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace yoke;
  static const Tokenizer bpe[] = {Tokenizer::create(bpe_vocabulary("smollm")),
                                  Tokenizer::create(bpe_vocabulary("llama-bpe")),
                                  Tokenizer::create(bpe_vocabulary("default"))};
  static const Tokenizer spm = Tokenizer::create(spm_vocabulary());
  const std::string input(reinterpret_cast<const char*>(data), size);
  try_template(input);
  for (const Tokenizer& tokenizer : bpe) try_text(tokenizer, input, true);
  // SentencePiece's own space character comes back as a space.
  try_text(spm, input, false);
  return 0;
}
