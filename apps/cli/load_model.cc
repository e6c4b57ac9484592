#include "load_model.h"

#include <cstdio>

#include "progress.h"

namespace yoke::cli {

std::unique_ptr<Model> load_model(ModelOptions options, const LoadCheck& check) {
  PlannedModel planned = plan_model(options);
  Tokenizer tokenizer = load_tokenizer(planned);
  if (check) check(planned, tokenizer);
  std::unique_ptr<Model> model;
  {
    Progress loading("loading");
    options.progress = [&](uint64_t done, uint64_t total) { loading.update(done, total); };
    model = Model::load(std::move(planned), std::move(tokenizer), options);
  }
  for (const std::string& note : model->plan().notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  return model;
}

}  // namespace yoke::cli
