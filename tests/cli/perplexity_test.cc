// `yoke perplexity`: its numbers against the same computed here from the logits that it writes.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "process.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

constexpr int kVocabulary = 320;
const std::string kText = YOKE_TESTS_DIR "/golden/english.txt";

struct Logits {
  std::vector<std::vector<double>> rows;

  explicit Logits(const std::string& path) {
    const std::vector<std::byte> bytes = read_bytes(path);
    const auto* text = reinterpret_cast<const unsigned char*>(bytes.data());
    const size_t start = 10 + text[8] + 256 * text[9];
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(text), 6), "\x93NUMPY");
    EXPECT_EQ(start % 64, 0);
    const size_t count = (bytes.size() - start) / 4;
    std::vector<float> values(count);
    std::memcpy(values.data(), bytes.data() + start, count * 4);
    for (size_t i = 0; i < count; i += kVocabulary)
      rows.emplace_back(values.begin() + i, values.begin() + i + kVocabulary);
    const std::string shape = "(" + std::to_string(rows.size()) + ", " + std::to_string(kVocabulary) + ")";
    EXPECT_THAT(std::string(reinterpret_cast<const char*>(text), start), testing::HasSubstr(shape));
  }
};

double log_sum_exp(const std::vector<double>& row) {
  double sum = 0;
  for (const double x : row) sum += std::exp(x);
  return std::log(sum);
}

std::string write_tokens(const TempFolder& folder, const std::string& name, const Json& tokens) {
  std::ofstream(folder / name) << Json({{"tokens", tokens}}).dump();
  return folder / name;
}

TEST(Perplexity, IsWhatTheLogitsSay) {
  const TempFolder folder;
  const std::string model = TinyModel::tied();
  Json tokens = run_json({"tokenize", model, "-f", kText})["tokens"];
  tokens.erase(tokens.begin() + 5 * 64 + 17, tokens.end());
  const Json j = run_json({"perplexity", model, "--tokens", write_tokens(folder, "t.json", tokens), "--ctx",
                           "64", "--logits", folder / "l.npy"});
  const Logits logits(folder / "l.npy");
  ASSERT_EQ(logits.rows.size(), 5 * 64);
  double sum = 0;
  int scored = 0;
  for (size_t chunk = 0; chunk < 5; ++chunk) {
    for (size_t p = 32; p <= 62; ++p) {
      const std::vector<double>& row = logits.rows[64 * chunk + p];
      sum += log_sum_exp(row) - row[tokens[64 * chunk + p + 1].get<size_t>()];
      ++scored;
    }
  }
  EXPECT_EQ(j["chunks"], 5);
  EXPECT_EQ(j["tokens"], scored);
  EXPECT_NEAR(j["perplexity"].get<double>(), std::exp(sum / scored), 1e-9 * std::exp(sum / scored));
  EXPECT_THAT(j["logits_hash"].get<std::string>(), testing::MatchesRegex("[0-9a-f]{16}"));
  EXPECT_TRUE(j["placement"].contains("devices"));
}

TEST(Perplexity, DivergenceIsWhatBothLogitsSay) {
  const TempFolder folder;
  make_model(folder / "p.gguf", "SmolLM2-135M", {"--type", "F16"});
  ASSERT_EQ(run({"quantize", folder / "p.gguf", folder / "q.gguf", "--type", "Q4_0"}).code, 0);
  std::ofstream(folder / "text") << std::ifstream(kText).rdbuf();
  std::filesystem::resize_file(folder / "text", 1000);
  const Arguments base = {"-f", folder / "text", "--ctx", "50"};
  const auto with = [&](const std::string& model, const Arguments& more) {
    Arguments all = {"perplexity", folder / model};
    all.insert(all.end(), base.begin(), base.end());
    all.insert(all.end(), more.begin(), more.end());
    return run_json(all);
  };
  with("p.gguf", {"--logits", folder / "p.npy"});
  const Json j = with("q.gguf", {"--compare", folder / "p.npy", "--logits", folder / "q.npy"});
  const Logits p(folder / "p.npy"), q(folder / "q.npy");
  ASSERT_EQ(p.rows.size(), q.rows.size());
  std::vector<double> kl;
  double same = 0;
  for (size_t r = 0; r < p.rows.size(); ++r) {
    const double sum_p = log_sum_exp(p.rows[r]), sum_q = log_sum_exp(q.rows[r]);
    double sum = 0;
    for (size_t i = 0; i < kVocabulary; ++i) {
      const double log_p = p.rows[r][i] - sum_p;
      sum += std::exp(log_p) * (log_p - (q.rows[r][i] - sum_q));
    }
    kl.push_back(sum);
    const auto top = [](const std::vector<double>& row) {
      return std::ranges::max_element(row) - row.begin();
    };
    same += top(p.rows[r]) == top(q.rows[r]) ? 1 : 0;
  }
  double mean = 0;
  for (const double x : kl) mean += x / static_cast<double>(kl.size());
  std::ranges::sort(kl);
  EXPECT_GT(mean, 1e-4);
  EXPECT_NEAR(j["mean_kl"].get<double>(), mean, 1e-9);
  EXPECT_NEAR(j["top1"].get<double>(), same / static_cast<double>(kl.size()), 1e-12);
  EXPECT_GE(j["p99_kl"].get<double>(), kl[kl.size() * 97 / 100]);
  EXPECT_LE(j["p99_kl"].get<double>(), kl.back());
  const Json self = with("q.gguf", {"--compare", folder / "q.npy"});
  EXPECT_EQ(self["mean_kl"], 0.0);
  EXPECT_EQ(self["top1"], 1.0);
}

TEST(Perplexity, OneNewlineIsDroppedAndSpecialTextIsPlain) {
  const TempFolder folder;
  const std::string text(200, 'x'), model = TinyModel::tied();
  const auto hash = [&](const std::string& input) {
    return run_json({"perplexity", model, "-f", "-", "--ctx", "8"}, {.input = input})["logits_hash"];
  };
  EXPECT_EQ(hash(text + "\n"), hash(text));
  EXPECT_EQ(
      run_json({"perplexity", model, "-f", "-", "--ctx", "8"}, {.input = text + "<|im_end|>"})["chunks"], 26);
}

TEST(Perplexity, BosTakesThePlaceOfEachChunksFirstToken) {
  const TempFolder folder;
  make_bos_model(folder / "bos.gguf");
  const std::string input =
      "The quick brown fox jumps over the lazy dog, and then it does it all over again.";
  const Json text =
      run_json({"perplexity", folder / "bos.gguf", "-f", "-", "--ctx", "16", "--logits", folder / "a.npy"},
               {.input = input});
  Json tokens = run_json({"tokenize", folder / "bos.gguf", "-p", input})["tokens"];
  for (size_t i = 0; i < tokens.size(); i += 16) tokens[i] = kTinyBos;
  const Json given =
      run_json({"perplexity", folder / "bos.gguf", "--tokens", write_tokens(folder, "t.json", tokens),
                "--ctx", "16", "--logits", folder / "b.npy"});
  EXPECT_EQ(text["perplexity"], given["perplexity"]);
  EXPECT_EQ(read_bytes(folder / "a.npy"), read_bytes(folder / "b.npy"));
}

TEST(Perplexity, FewerThanTwoChunksIsAnError) {
  const std::string model = TinyModel::tied();
  EXPECT_EQ(run({"perplexity", model, "-f", "-", "--ctx", "8"}, {.input = "xxxxxxxxxxxxxxxx"}).code, 0);
  expect_error(run({"perplexity", model, "-f", "-", "--ctx", "8"}, {.input = "xxxxxxxxxxxxxxx"}), 2);
}

TEST(Perplexity, LogitsFilesAreTheSameBytesHoweverTheWorkIsCut) {
  const TempFolder folder;
  std::string input = "It must not matter who computes this, or how many at a time. ";
  input += input;
  const auto logits = [&](const Arguments& more) {
    Arguments all = {"perplexity", TinyModel::tied(), "-f", "-", "--ctx", "24", "--logits", folder / "l.npy"};
    all.insert(all.end(), more.begin(), more.end());
    run_json(all, {.input = input});
    return read_bytes(folder / "l.npy");
  };
  const std::vector<std::byte> expected = logits({});
  for (const Arguments& more : {Arguments{"--parallel", "3"},
                                {"--parallel", "5", "--chunk", "1"},
                                {"--chunk", "7"},
                                {"--threads", "1"},
                                {"--threads", "3"},
                                {"--isa", "portable"}})
    EXPECT_TRUE(logits(more) == expected) << testing::PrintToString(more);
}

}  // namespace
}  // namespace yoke::test
