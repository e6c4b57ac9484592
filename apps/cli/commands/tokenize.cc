// `yoke tokenize` and `yoke detokenize`.
#include <iostream>
#include <memory>

#include "base/error.h"
#include "command.h"
#include "gguf/gguf_file.h"
#include "text/gguf_vocabulary.h"
#include "text/tokenizer.h"
#include "tokens_json.h"

namespace yoke::cli {
namespace {

struct TokenizeArguments {
  std::string model, file, text;
  bool parse_special = false, no_special = false, json = false;
};

std::string input_text(const CLI::App& app, const std::string& file, const std::string& text) {
  if (app.count("-p") > 0) return text;
  if (file.empty())
    fail(ErrorKind::kUsage, "reading the command line",
         "no text is given (-f FILE, - for stdin, or -p TEXT)");
  return read_text_file(file);
}

int tokenize(const CLI::App& app, const TokenizeArguments& a) {
  const GgufFile file = GgufFile::open(model_path(a.model));
  const Tokenizer tokenizer = Tokenizer::create(vocabulary_from_gguf(file));
  const std::vector<int32_t> ids = tokenizer.encode(
      input_text(app, a.file, a.text), {.parse_special = a.parse_special, .add_special = !a.no_special});
  if (a.json) {
    print_json({{"tokens", ids}});
    return 0;
  }
  for (const int32_t id : ids) {
    const Json shown(std::string(tokenizer.piece(id)));
    std::cout << id << '\t' << shown.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }
  return 0;
}

int detokenize(const TokenizeArguments& a) {
  const GgufFile file = GgufFile::open(model_path(a.model));
  const Tokenizer tokenizer = Tokenizer::create(vocabulary_from_gguf(file));
  const std::string path = a.file.empty() ? "-" : a.file;
  const std::vector<int32_t> ids = read_tokens(path);
  check_tokens(ids, tokenizer.size(), path);
  const std::string text = tokenizer.decode(ids, {.keep_special = a.parse_special});
  if (a.json) {
    print_json({{"text", text}});
  } else {
    write_out(text);
  }
  return 0;
}

}  // namespace

Runner declare_tokenize(CLI::App& app) {
  auto a = std::make_shared<TokenizeArguments>();
  add_model(app, a->model);
  app.add_option("-f,--file", a->file, "the text; its bytes are taken as they are; -: stdin")
      ->type_name("FILE");
  app.add_option("-p,--prompt", a->text, "the text itself")->type_name("TEXT");
  app.add_flag("--parse-special", a->parse_special, "text that looks like a special token becomes one");
  app.add_flag("--no-special", a->no_special, "leave BOS and EOS out");
  add_json(app, a->json);
  return [a, &app] { return tokenize(app, *a); };
}

Runner declare_detokenize(CLI::App& app) {
  auto a = std::make_shared<TokenizeArguments>();
  add_model(app, a->model);
  app.add_option("-f,--file", a->file,
                 "{\"tokens\": [...]}, an array, numbers, or the output of tokenize; -: stdin (the default)")
      ->type_name("FILE");
  app.add_flag("--keep-special,--parse-special", a->parse_special, "show control tokens by their names");
  add_json(app, a->json);
  return [a] { return detokenize(*a); };
}

}  // namespace yoke::cli
