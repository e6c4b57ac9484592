// `yoke inspect`: what any GGUF file holds, also one that cannot be run.
#include "gguf/inspect.h"

#include <memory>

#include "command.h"

namespace yoke::cli {
namespace {

struct InspectArguments {
  std::string model;
  InspectOptions options;
  bool json = false;
};

int run(const InspectArguments& a) {
  const GgufFile file = GgufFile::open(model_path(a.model));
  if (a.json) {
    print_json(inspect_json(file, a.options));
  } else {
    write_out(inspect_text(file, a.options));
  }
  return 0;
}

}  // namespace

Runner declare_inspect(CLI::App& app) {
  auto a = std::make_shared<InspectArguments>();
  add_model(app, a->model);
  app.add_option("--elements", a->options.array_elements, "how many elements of a long array are shown")
      ->type_name("N")
      ->capture_default_str();
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace yoke::cli
