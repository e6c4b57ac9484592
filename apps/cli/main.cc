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

namespace {

using namespace yoke::cli;

constexpr std::array kCommands = {
    Command{"run", "chat with a model, or answer one prompt",
            "  yoke run model.gguf                         a chat\n"
            "  yoke run model.gguf -p 'What is a yoke?'    one answer\n"
            "  yoke run model.gguf -ngl 20 --gpu-memory 8G -p 'Hi'",
            declare_run},
    Command{"plan", "show where everything would lie and run, and how fast",
            "  yoke plan model.gguf --gpu-memory 8G\n  yoke plan model.gguf --machine machine.json --json",
            declare_plan},
    Command{"inspect", "show what a GGUF file holds", "  yoke inspect model.gguf", declare_inspect},
    Command{"tokenize", "text to token ids", "  yoke tokenize model.gguf -f text.txt --json",
            declare_tokenize},
    Command{"detokenize", "token ids to text", "  yoke detokenize model.gguf -f tokens.json",
            declare_detokenize},
    Command{"perplexity", "score a text; compare logits",
            "  yoke perplexity model.gguf -f text.txt --ctx 512\n"
            "  yoke perplexity model.gguf -f text.txt --compare reference.npy --json",
            declare_perplexity},
    Command{"bench", "measure prefill and decode against the machine's own limits",
            "  yoke bench model.gguf --prompt 512 --gen 128 --repeat 5", declare_bench},
    Command{"quantize", "write a model in another format", "  yoke quantize in.gguf out.gguf --type Q4_K_M",
            declare_quantize},
    Command{"synth", "write a model of random weights in a known shape",
            "  yoke synth --like TinyLlama-1.1B --type Q4_K_M out.gguf", declare_synth},
    Command{"devices", "list the devices of this machine", "  yoke devices --json", declare_devices},
    Command{"selftest", "check every kernel of this machine against the reference",
            "  yoke selftest --devices cpu", declare_selftest},
};

int report(const std::string& line, int code) {
  std::cerr << "yoke: " << line << std::endl;
  return code;
}

// CLI11's messages may run over lines; an error here is one.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

// In the order that CLI11 takes them: last first. It knows no short options of several letters.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  for (std::string& word : words) {
    if (word == "-ngl" || word.starts_with("-ngl=")) word.replace(0, 4, "--gpu-layers");
  }
  std::reverse(words.begin(), words.end());
  return words;
}

int run_program(int argc, char** argv) {
  CLI::App app{"Yoke runs language models that are larger than the GPU, on GPU and CPU together.", "yoke"};
  app.set_version_flag("--version", "yoke " YOKE_VERSION);
  app.require_subcommand(1);
  app.footer("Each command has its own --help.");
  Runner chosen;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.what);
    sub->footer(std::string("Examples:\n") + command.examples);
    sub->callback([&chosen, runner = command.declare(*sub)] { chosen = runner; });
  }
  try {
    app.parse(arguments(argc, argv));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return report(
        "reading the command line: " + one_line(e.what()) + " (`yoke --help`, `yoke COMMAND --help`)", 2);
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  yoke::install_fault_guard();
  try {
    return run_program(argc, argv);
  } catch (const yoke::Error& e) {
    return report(one_line(e.what()), e.exit_code());
  } catch (const std::bad_alloc&) {
    return report("running: the system has no memory left (a smaller --ctx or fewer sequences need less)", 1);
  } catch (const std::exception& e) {
    return report("running: " + one_line(e.what()), 1);
  }
}
