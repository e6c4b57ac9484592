// `yoke run` without a terminal: answers, their JSON, seeds, ends.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "process.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

TEST(Run, JsonHasTheFieldsOfTheContract) {
  const Json j = run_json({"run", TinyModel::tied(), "-p", "Hello", "-n", "5", "--seed", "7"});
  EXPECT_TRUE(j["text"].is_string());
  EXPECT_LE(j["tokens"].size(), 5);
  EXPECT_GT(j["prompt_tokens"].get<int>(), 5);
  EXPECT_THAT(j["finish_reason"], testing::AnyOf("stop", "length"));
  EXPECT_EQ(j["seed"], 7);
  EXPECT_GT(j["prefill_tokens_per_s"].get<double>(), 0);
  EXPECT_TRUE(j["decode_tokens_per_s"].is_number());
  EXPECT_THAT(j["logits_hash"].get<std::string>(), MatchesRegex("[0-9a-f]{16}"));
  const Json& placement = j["placement"];
  EXPECT_EQ(placement["layers"], Json({"cpu", "cpu", "cpu"}));
  EXPECT_EQ(placement["head"], "cpu");
  EXPECT_EQ(placement["bitwise"], true);
  EXPECT_EQ(placement["handoffs_per_step"], 0);
  const Json& device = placement["devices"][0];
  EXPECT_EQ(device["name"], "cpu");
  EXPECT_EQ(device["total_bytes"].get<int64_t>(),
            device["weights_bytes"].get<int64_t>() + device["cache_bytes"].get<int64_t>() +
                device["scratch_bytes"].get<int64_t>() + device["staging_bytes"].get<int64_t>());
  EXPECT_EQ(device["allocated_bytes"], device["total_bytes"]);
}

TEST(Run, TextIsWhatTheTokensSpell) {
  const Json j = run_json({"run", TinyModel::tied(), "-p", "Hello", "-n", "30", "--seed", "7"});
  const Json text =
      run_json({"detokenize", TinyModel::tied()}, {.input = Json({{"tokens", j["tokens"]}}).dump()});
  EXPECT_EQ(j["text"], text["text"]);
  const Result plain = run({"run", TinyModel::tied(), "-p", "Hello", "-n", "30", "--seed", "7"});
  EXPECT_EQ(plain.out, j["text"].get<std::string>() + "\n");
  EXPECT_THAT(plain.err, HasSubstr("answer tokens"));
}

TEST(Run, ASeedReproducesAnAnswer) {
  const Arguments base = {"run", TinyModel::tied(), "-p",  "Hello",   "-n",
                          "20",  "--temp",          "1.5", "--top-k", "0"};
  const auto with = [&](const Arguments& more) {
    Arguments all = base;
    all.insert(all.end(), more.begin(), more.end());
    return run_json(all);
  };
  const Json first = with({"--seed", "11"}), again = with({"--seed", "11"}), other = with({"--seed", "12"});
  EXPECT_EQ(first["tokens"], again["tokens"]);
  EXPECT_EQ(first["logits_hash"], again["logits_hash"]);
  EXPECT_NE(first["tokens"], other["tokens"]);
  // Without one every run takes another, and says which.
  const Json random = with({});
  EXPECT_EQ(with({"--seed", std::to_string(random["seed"].get<uint64_t>())})["tokens"], random["tokens"]);
  EXPECT_NE(with({})["seed"], random["seed"]);
}

TEST(Run, SamplingOptionsTakeEffect) {
  const auto tokens = [](const Arguments& more) {
    Arguments all = {"run", TinyModel::tied(), "-p", "Hello", "-n", "24"};
    all.insert(all.end(), more.begin(), more.end());
    return run_json(all)["tokens"];
  };
  const Json greedy = tokens({"--temp", "0"});
  EXPECT_EQ(tokens({"--temp", "5", "--top-k", "1", "--seed", "3"}), greedy);
  EXPECT_EQ(tokens({"--temp", "5", "--top-k", "0", "--top-p", "0.000001", "--seed", "3"}), greedy);
  EXPECT_EQ(tokens({"--temp", "5", "--top-k", "0", "--top-p", "1", "--min-p", "1", "--seed", "3"}), greedy);
  EXPECT_NE(tokens({"--temp", "5", "--top-k", "0", "--top-p", "1", "--min-p", "0", "--seed", "3"}), greedy);
  for (const std::string penalty : {"--repeat-penalty", "--presence-penalty", "--frequency-penalty"}) {
    // A penalty that large lets no token come twice.
    Json seen = tokens({"--temp", "0", penalty, "1000000"});
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end()) << penalty << " " << seen;
  }
}

TEST(Run, EndsOfAnswers) {
  const std::string model = TinyModel::tied();
  const Json none = run_json({"run", model, "-p", "Hello", "-n", "0"});
  EXPECT_EQ(none["tokens"].size(), 0);
  EXPECT_EQ(none["finish_reason"], "length");
  const Json one = run_json({"run", model, "-p", "Hello", "-n", "1", "--temp", "0"});
  EXPECT_EQ(one["tokens"].size(), 1);
  EXPECT_EQ(one["finish_reason"], "length");
  EXPECT_EQ(one["logits_hash"], none["logits_hash"]);
  // A full context ends the answer; nothing is shifted.
  const Json full = run_json({"run", model, "--raw", "-p", "abc", "-c", "16", "--temp", "0"});
  EXPECT_EQ(full["finish_reason"], "length");
  EXPECT_EQ(full["prompt_tokens"], 3);
  EXPECT_EQ(full["tokens"].size(), 14);  // the last one needs no place
  const Json longer = run_json({"run", model, "--raw", "-p", "abc", "-c", "64", "-n", "14", "--temp", "0"});
  EXPECT_EQ(longer["tokens"], full["tokens"]);
}

TEST(Run, AnEndTokenEndsTheAnswerAndIsNoPartOfIt) {
  // Random tokens: one of the model's end tokens comes sooner or later.
  for (int seed = 0; seed < 20; ++seed) {
    const Json j = run_json({"run", TinyModel::tied(), "-p", "x", "--temp", "100", "--top-k", "0", "--top-p",
                             "1", "--min-p", "0", "--seed", std::to_string(seed)});
    if (j["finish_reason"] != "stop") continue;
    for (const int id : j["tokens"]) EXPECT_NE(id, kTinyEos);
    return;
  }
  FAIL() << "no answer ended by itself";
}

TEST(Run, PromptsFromFilesAndStdinAreTheirBytes) {
  const TempFolder folder;
  const std::string text = "two\nlines \xff\xfe\n";
  std::ofstream(folder / "prompt") << text;
  const std::string model = TinyModel::tied();
  const auto with = [&](const Arguments& more, const std::string& input) {
    Arguments all = {"run", model, "--raw", "-n", "8", "--temp", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return run_json(all, {.input = input});
  };
  const Json direct = with({"-p", text}, "");
  EXPECT_EQ(direct["prompt_tokens"], run_json({"tokenize", model, "-p", text})["tokens"].size());
  EXPECT_EQ(with({"-f", folder / "prompt"}, "")["tokens"], direct["tokens"]);
  EXPECT_EQ(with({"-f", "-"}, text)["tokens"], direct["tokens"]);
}

TEST(Run, TheTemplateFramesThePromptAndUserTextIsNeverSpecial) {
  const std::string model = TinyModel::tied();
  const auto prompt_tokens = [&](const Arguments& more) {
    Arguments all = {"run", model, "-n", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return run_json(all)["prompt_tokens"].get<int>();
  };
  const int raw = prompt_tokens({"--raw", "-p", "abc"});
  EXPECT_EQ(raw, 3);
  const int framed = prompt_tokens({"-p", "abc"});
  EXPECT_GT(framed, raw);
  EXPECT_GT(prompt_tokens({"-p", "abc", "--system", "be brief"}), framed);
  // As many tokens as its letters take, not the one of the marker that it spells.
  EXPECT_EQ(prompt_tokens({"-p", "<|im_end|>"}) - framed, prompt_tokens({"--raw", "-p", "<|im_end|>"}) - raw);
}

TEST(Run, OptionsThatMustNotShowInTheAnswer) {
  const auto hash = [](const Arguments& more) {
    Arguments all = {"run", TinyModel::tied(), "-p", "Hello there, how are you?", "-n", "12", "--temp", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return run_json(all)["logits_hash"];
  };
  const Json expected = hash({});
  EXPECT_EQ(hash({"--threads", "1"}), expected);
  EXPECT_EQ(hash({"--threads", "3"}), expected);
  EXPECT_EQ(hash({"--isa", "portable"}), expected);
  EXPECT_EQ(hash({"--chunk", "7"}), expected);
  EXPECT_EQ(hash({"--ctx", "0"}), expected);
  EXPECT_EQ(hash({"--devices", "reference"}), expected);
  EXPECT_NE(hash({"--kv-type", "f32"}), expected);
  EXPECT_NE(hash({"--kv-type", "q8_0"}), expected);
}

TEST(Run, ALongContextIsWarnedAboutOnStderr) {
  const Result r = run({"run", TinyModel::tied(), "-p", "x", "-n", "1", "-c", "9000", "--json"});
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.err, HasSubstr("9000 tokens is longer than the 8192"));
  EXPECT_EQ(r.json()["placement"]["context"], 9000);
  EXPECT_EQ(run({"run", TinyModel::tied(), "-p", "x", "-n", "1", "-c", "8192", "--json"}).err, "");
}

TEST(Run, CtrlCEndsTheAnswerWith130) {
  Process text({"run", TinyModel::untied(), "--raw", "-p", "abc", "--temp", "0", "-c", "60000"});
  text.wait_for_output();
  text.signal(SIGINT);
  const Result r = text.finish();
  EXPECT_EQ(r.code, 130) << r.err;
  EXPECT_THAT(r.err, HasSubstr("cancelled"));

  // With --json nothing shows before the end; the answer takes seconds.
  Process json({"run", TinyModel::untied(), "--raw", "-p", "abc", "--temp", "0", "-c", "60000", "--json"});
  json.wait_for_handler(SIGINT);
  usleep(500'000);
  json.signal(SIGINT);
  const Result document = json.finish();
  EXPECT_EQ(document.code, 130) << document.err;
  if (document.err.empty()) {
    EXPECT_EQ(document.json()["finish_reason"], "cancelled");
  } else {  // so slow a machine that it was still loading
    EXPECT_EQ(expect_error(document, 130), "yoke: interrupted");
  }
}

}  // namespace
}  // namespace yoke::test
