// The program `yoke`: finds the command, runs it, and turns errors into one line and an exit code.
#include <algorithm>
#include <array>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fault_guard.h"
#include "command.h"
#include "help.h"
#include "interrupt.h"

namespace {

using namespace yoke::cli;

constexpr std::array kCommands = {
    Command{"run", "chat with a model, or answer one prompt",
            "  yoke run model.gguf                            a chat\n"
            "  yoke run model.gguf -p 'What is a yoke?'       one answer\n"
            "  git log -5 | yoke run model.gguf -f - --json   the prompt from stdin, the answer as JSON\n"
            "  yoke run model.gguf -ngl 20 --gpu-memory 8G    20 blocks on the GPU, at most 8 GiB there",
            declare_run},
    Command{"plan", "show where everything would lie and run, and how fast",
            "  yoke plan model.gguf --gpu-memory 8G                   this machine, bounded\n"
            "  yoke plan model.gguf --place 'ffn_(up|gate|down)=cpu'  rules by tensor name\n"
            "  yoke plan model.gguf --machine machine.json --json     another machine",
            declare_plan},
    Command{"inspect", "show what a GGUF file holds",
            "  yoke inspect model.gguf\n  yoke inspect model.gguf --json --elements 100", declare_inspect},
    Command{
        "tokenize", "text to token ids",
        "  yoke tokenize model.gguf -p 'Hello'\n  yoke tokenize model.gguf -f text.txt --json > tokens.json",
        declare_tokenize},
    Command{"detokenize", "token ids to text",
            "  yoke detokenize model.gguf -f tokens.json\n  echo 1 15043 | yoke detokenize model.gguf",
            declare_detokenize},
    Command{"perplexity", "score a text; compare logits",
            "  yoke perplexity model.gguf -f text.txt --ctx 512\n"
            "  yoke perplexity big.gguf -f text.txt --logits reference.npy\n"
            "  yoke perplexity small.gguf -f text.txt --compare reference.npy --json",
            declare_perplexity},
    Command{"bench", "measure prefill and decode against the machine's own limits",
            "  yoke bench model.gguf --prompt 512 --gen 128 --repeat 5\n"
            "  yoke bench model.gguf --depth 4096 --batch 8 --json",
            declare_bench},
    Command{"quantize", "write a model in another format", "  yoke quantize in.gguf out.gguf --type Q4_K_M",
            declare_quantize},
    Command{"synth", "write a model of random weights in a known shape",
            "  yoke synth --like TinyLlama-1.1B --type Q4_K_M out.gguf\n"
            "  yoke synth --like Qwen3-0.6B --layers 2 --hidden 256 --vocabulary 320 --type F16 tiny.gguf",
            declare_synth},
    Command{"devices", "list the devices of this machine", "  yoke devices\n  yoke devices --json",
            declare_devices},
    Command{"selftest", "check every kernel of this machine against the reference",
            "  yoke selftest\n  yoke selftest --devices cpu --isa avx2 --verbose", declare_selftest},
};

constexpr const char* kExamples =
    "Examples:\n"
    "  yoke run model.gguf                                      chat\n"
    "  yoke plan model.gguf --gpu-memory 8G                     what would run where\n"
    "  yoke quantize model.gguf small.gguf --type Q4_K_M        make it smaller\n"
    "Every command has a --help of its own.";

int report(const std::string& line, int code) {
  std::cerr << "yoke: " << line << std::endl;
  return code;
}

// CLI11's messages may run over lines; an error here is one.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

// CLI11 knows no short options of several letters. Texts stay as they are.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const bool is_text =
        i > 0 && (words[i - 1] == "-p" || words[i - 1] == "--prompt" || words[i - 1] == "--system");
    if (!is_text && (words[i] == "-ngl" || words[i].starts_with("-ngl=")))
      words[i].replace(0, 4, "--gpu-layers");
  }
  return words;
}

// CLI11 would only say that something is missing.
void check_command(const std::vector<std::string>& words) {
  const std::string first = words.empty() ? "" : words[0];
  if (first == "-h" || first == "--help" || first == "--version") return;
  std::string known;
  for (const Command& command : kCommands) {
    if (first == command.name) return;
    known += (known.empty() ? "" : ", ") + std::string(command.name);
  }
  const std::string wrong = words.empty()            ? "no command is given"
                            : first.starts_with('-') ? "a command comes first, not " + first
                                                     : "there is no command \"" + first + "\"";
  yoke::fail(yoke::ErrorKind::kUsage, "reading the command line",
             wrong + " (commands: " + known + "; `yoke --help` explains them)");
}

int run_program(int argc, char** argv) {
  CLI::App app{"Yoke runs language models that are larger than the GPU, on GPU and CPU together.", "yoke"};
  app.formatter(std::make_shared<HelpFormatter>());
  // What a script sets can be changed by what is added behind it.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_version_flag("--version", "yoke " YOKE_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples);
  Runner chosen;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.what);
    sub->group("Commands");
    sub->footer(std::string("Examples:\n") + command.examples);
    sub->callback([&chosen, runner = command.declare(*sub)] { chosen = runner; });
  }
  std::vector<std::string> words = arguments(argc, argv);
  check_command(words);
  const std::string command = words.empty() ? "" : words[0];
  std::reverse(words.begin(), words.end());  // CLI11 takes the last word first
  try {
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return report("reading the command line: " + one_line(e.what()) + " (see `yoke " + command + " --help`)",
                  2);
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  install_signals();
  yoke::install_fault_guard();
  try {
    const int code = run_program(argc, argv);
    finish_output();
    return code;
  } catch (const Interrupted&) {
    return report("interrupted", 130);
  } catch (const yoke::Error& e) {
    return report(one_line(e.what()), e.exit_code());
  } catch (const std::bad_alloc&) {
    return report("running: the system has no memory left (a smaller --ctx or fewer sequences need less)", 1);
  } catch (const std::exception& e) {
    return report("running: " + one_line(e.what()), 1);
  }
}
