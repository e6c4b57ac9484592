// Help, versions, exit codes, and errors of one line.
#include <gmock/gmock.h>

#include <fstream>

#include "process.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const char* const kCommands[] = {"run",   "plan",     "inspect", "tokenize", "detokenize", "perplexity",
                                 "bench", "quantize", "synth",   "devices",  "selftest"};

TEST(Usage, HelpWithExamplesOfTheProgramAndOfEveryCommand) {
  const Result program = run({"--help"});
  EXPECT_EQ(program.code, 0);
  EXPECT_THAT(program.out, HasSubstr("Examples:"));
  for (const std::string command : kCommands) {
    EXPECT_THAT(program.out, HasSubstr("\n  " + command)) << command;
    const Result help = run({command, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.out, HasSubstr("Usage: yoke " + command));
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  yoke " + command));
    EXPECT_EQ(help.err, "");
  }
}

TEST(Usage, Version) {
  const Result r = run({"--version"});
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.out, testing::MatchesRegex("yoke [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Usage, WrongCommandLinesAreOneLineAndExitCode2) {
  const std::string model = TinyModel::tied();
  const std::pair<Arguments, const char*> wrong[] = {
      {{}, "no command"},
      {{"dance"}, "no command \"dance\""},
      {{"--json", "run"}, "a command comes first"},
      {{"run"}, "no model is given"},
      {{"run", model, "-m", model, "-p", "x"}, "excludes"},
      {{"run", model, "-p", "x", "--what"}, "--what"},
      {{"run", model, "-p", "x", "-n", "-2"}, "-2"},
      {{"run", model, "-p", "x", "-n", "many"}, "many"},
      {{"run", model, "-p", "x", "-f", "y"}, "excludes"},
      {{"run", model, "--json"}, "--json needs"},
      {{"run", model, "-p", "x", "--temp", "-1"}, "--temp"},
      {{"run", model, "-p", "x", "--temp", "nan"}, "--temp"},
      {{"run", model, "-p", "x", "--temp", "hot"}, "--temp"},
      {{"run", model, "-p", "x", "--seed", "-1"}, "no seed"},
      {{"run", model, model, "-p", "x"}, "not expected"},
      {{"run", model, "-p", "x", "--top-p", "2"}, "--top-p"},
      {{"run", model, "-p", "x", "--isa", "sse9"}, "sse9"},
      {{"run", model, "-p", "x", "--devices", "abacus"}, "abacus"},
      {{"run", model, "-p", "x", "--devices", "cpu", "-ngl", "1"}, "no GPU device"},
      {{"run", model, "-p", "x", "-ngl", "some"}, "some"},
      {{"run", model, "-p", "x", "--kv-type", "f8"}, "f8"},
      {{"run", model, "-p", "x", "--gpu-memory", "8Q"}, "8Q"},
      {{"run", model, "-p", "x", "--place", "no_such_tensor=cpu"}, "no_such_tensor"},
      {{"run", model, "-p", "x", "--place", "(=cpu"}, "--place"},
      {{"run", model, "--raw", "-p", ""}, "no tokens"},
      {{"run", model, "--raw", "-p", "abcdefgh", "-c", "4"}, "do not fit the context of 4"},
      {{"tokenize", model}, "no text"},
      {{"perplexity", model}, "-f FILE or --tokens"},
      {{"perplexity", model, "-f", model, "-c", "2"}, "fewer than 3"},
      {{"bench", model, "--prompt", "0", "--gen", "0"}, "nothing to measure"},
      {{"bench", model, "--ctx", "20"}, "more than the context of 20"},
      {{"quantize", model}, "OUT"},
      {{"quantize", model, model, "--type", "Q4_0"}, "it is the file that is read"},
      {{"quantize", model, "x.gguf", "--type", "Q9"}, "Q9"},
      {{"synth", "--like", "Frog-1B", "x.gguf"}, "Frog-1B"},
      {{"selftest", "--isa", "sse9"}, "sse9"},
      {{"selftest", "--devices", "abacus"}, "abacus"},
  };
  for (const auto& [arguments, said] : wrong) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    EXPECT_THAT(expect_error(run(arguments), 2), HasSubstr(said));
  }
}

TEST(Usage, TextsThatLookLikeOptionsStayTexts) {
  const Json plain = run_json({"tokenize", TinyModel::tied(), "-p", "-ngl"});
  EXPECT_EQ(plain["tokens"], run_json({"tokenize", TinyModel::tied(), "--prompt=-ngl"})["tokens"]);
  EXPECT_EQ(plain["tokens"].size(), 4);
}

TEST(Usage, TheLastOfAnOptionCounts) {
  EXPECT_EQ(run_json({"run", TinyModel::tied(), "-p", "x", "-n", "9", "--seed", "1", "-n", "0", "--seed",
                      "2"})["seed"],
            2);
}

TEST(Usage, OptionsBeforeAndAfterTheModel) {
  const std::string model = TinyModel::tied();
  const Json first = run_json({"run", model, "-p", "x", "-n", "2", "--temp", "0"});
  EXPECT_EQ(first["tokens"], run_json({"run", "-p", "x", "-n", "2", "--temp", "0", model})["tokens"]);
  EXPECT_EQ(first["tokens"], run_json({"run", "-p", "x", "-n", "2", "--temp", "0", "-m", model})["tokens"]);
  EXPECT_EQ(first["tokens"],
            run_json({"run", "-ngl", "0", "--model=" + model, "-px", "-n2", "--temp=0"})["tokens"]);
}

TEST(Usage, BadFilesAreExitCode3) {
  const TempFolder folder;
  std::ofstream(folder / "text") << "this is no model, but it is long enough to be one";
  std::ofstream(folder / "empty");
  std::ofstream(folder / "tokens.json") << R"({"tokens": [1, "two"]})";
  std::ofstream(folder / "far.json") << R"({"tokens": [1, 999]})";
  const std::string model = TinyModel::tied();
  for (const std::string command : {"run", "plan", "inspect", "tokenize", "perplexity", "bench"}) {
    Arguments more;
    if (command == "run" || command == "tokenize") more = {"-p", "x"};
    if (command == "perplexity") more = {"-f", folder / "text"};
    for (const std::string name : {"missing", "text", "empty", "."}) {
      Arguments all = {command, folder / name};
      all.insert(all.end(), more.begin(), more.end());
      EXPECT_THAT(expect_error(run(all), 3), StartsWith("yoke: reading " + (folder / name))) << command;
    }
  }
  expect_error(run({"quantize", folder / "text", folder / "out", "--type", "Q4_0"}), 3);
  for (const std::string name : {"missing", "text", "tokens.json", "far.json", "."})
    EXPECT_THAT(expect_error(run({"detokenize", model, "-f", folder / name}), 3), HasSubstr(folder / name));
  expect_error(run({"run", model, "-f", folder / "missing"}), 3);
  expect_error(run({"run", model, "-f", folder.path()}), 3);
  expect_error(run({"plan", model, "--machine", folder / "text"}), 3);
  expect_error(
      run({"perplexity", model, "-f", YOKE_TESTS_DIR "/golden/english.txt", "--compare", folder / "text"}),
      3);
}

TEST(Usage, APlanThatDoesNotFitIsExitCode4AndNamesOneThatDoes) {
  const TempFolder folder;
  std::ofstream(folder / "machine.json")
      << R"({"devices": [{"name": "vulkan:0", "memory_bytes": 4000000, "bandwidth_gb_s": 100},
                         {"name": "cpu", "memory_bytes": 1000000000, "bandwidth_gb_s": 10}]})";
  const std::string line = expect_error(
      run({"plan", TinyModel::tied(), "--machine", folder / "machine.json", "-ngl", "all", "-c", "8000"}), 4);
  EXPECT_THAT(line, HasSubstr("what fits: --gpu-layers"));
}

TEST(Usage, WhatStdoutDoesNotTakeIsAnErrorAndNoSignal) {
  const std::string model = TinyModel::tied();
  for (const Arguments& arguments : {Arguments{"run", model, "-p", "x", "-n", "5"},
                                     {"run", model, "-p", "x", "--json", "-n", "5"},
                                     {"inspect", model},
                                     {"plan", model},
                                     {"devices", "--json"},
                                     {"--help"},
                                     {"tokenize", model, "-p", "x"}}) {
    const Result full = run(arguments, {.stdout_path = "/dev/full"});
    EXPECT_THAT(expect_error(full, 1), HasSubstr("standard output")) << arguments[0];
    // fd 1 is closed: no file that is opened later may take its place.
    const Result closed = run(arguments, {.in_child = [] { close(STDOUT_FILENO); }});
    expect_error(closed, 1);
  }
  const Result broken = run({"run", model, "-p", "x", "-n", "50"}, {.in_child = [] {
                              int ends[2];
                              if (pipe(ends) != 0) _exit(99);
                              dup2(ends[1], STDOUT_FILENO);
                              close(ends[0]);
                              close(ends[1]);
                            }});
  EXPECT_THAT(expect_error(broken, 1), HasSubstr("Broken pipe"));
}

}  // namespace
}  // namespace yoke::test
