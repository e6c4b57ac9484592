// `yoke tokenize` and `yoke detokenize`.
#include <gmock/gmock.h>

#include <fstream>

#include "process.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

TEST(Tokens, AnyBytesComeBack) {
  const TempFolder folder;
  std::string bytes;
  uint32_t state = 1;
  for (int i = 0; i < 3000; ++i) bytes += static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  bytes += "text with \r\n and \xf0\x9f\x90\x82 and a newline at the end\n";
  std::ofstream(folder / "bytes", std::ios::binary) << bytes;
  const std::string model = TinyModel::tied();
  const Result json = run({"tokenize", model, "-f", folder / "bytes", "--json"});
  EXPECT_EQ(json.json().size(), 1);
  EXPECT_EQ(run({"detokenize", model}, {.input = json.out}).out, bytes);
  EXPECT_EQ(run({"tokenize", model, "-f", "-", "--json"}, {.input = bytes}).out, json.out);
  // What a person sees, an array and plain numbers are taken too.
  EXPECT_EQ(run({"detokenize", model}, {.input = run({"tokenize", model, "-f", folder / "bytes"}).out}).out,
            bytes);
  EXPECT_EQ(run({"detokenize", model, "-f", "-"}, {.input = json.json()["tokens"].dump()}).out, bytes);
  EXPECT_EQ(run({"detokenize", model}, {.input = "72 101\n108"}).out, "Hel");
}

TEST(Tokens, SpecialTokensAreParsedOnlyWhenAsked) {
  const std::string model = TinyModel::tied(), text = "a<|im_start|>b";
  const Json plain = run_json({"tokenize", model, "-p", text})["tokens"];
  const Json parsed = run_json({"tokenize", model, "-p", text, "--parse-special"})["tokens"];
  EXPECT_GT(plain.size(), 3);
  EXPECT_EQ(parsed.size(), 3);
  const auto back = [&](const Json& tokens, const Arguments& more) {
    Arguments all = {"detokenize", model};
    all.insert(all.end(), more.begin(), more.end());
    return run(all, {.input = tokens.dump()}).out;
  };
  EXPECT_EQ(back(plain, {}), text);
  EXPECT_EQ(back(parsed, {}), "ab");
  EXPECT_EQ(back(parsed, {"--keep-special"}), text);
}

TEST(Tokens, BosComesWhereTheModelAddsItUnlessLeftOut) {
  const TempFolder folder;
  make_bos_model(folder / "bos.gguf");
  const Json with = run_json({"tokenize", folder / "bos.gguf", "-p", "abc"})["tokens"];
  const Json without = run_json({"tokenize", folder / "bos.gguf", "-p", "abc", "--no-special"})["tokens"];
  ASSERT_EQ(with.size(), without.size() + 1);
  EXPECT_EQ(with[0], kTinyBos);
  EXPECT_EQ(with[1], without[0]);
  EXPECT_EQ(run({"detokenize", folder / "bos.gguf"}, {.input = with.dump()}).out, "abc");
  EXPECT_EQ(run_json({"run", folder / "bos.gguf", "--raw", "-p", "abc", "-n", "0"})["prompt_tokens"], 4);
}

}  // namespace
}  // namespace yoke::test
