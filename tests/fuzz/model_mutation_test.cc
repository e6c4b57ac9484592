// A few hundred damaged models: each is rejected in one line or runs a step.
#include "fuzz/model_mutations.h"

namespace yoke::test {
namespace {

TEST(ModelMutations, TheSeedsThemselvesRunAndRender) {
  for (const GgufSeed& seed : model_seeds()) {
    ModelOutcomes outcomes;
    try_model(seed.bytes, outcomes);
    EXPECT_EQ(outcomes.rendered, 1) << seed.name << ": "
                                    << (outcomes.reasons.empty() ? "" : outcomes.reasons.begin()->first);
  }
}

TEST(ModelMutations, ATemplatesOwnWordsStayOneLine) {
  const std::string path = std::string(YOKE_TESTS_DIR) + "/golden/tiny/llama.gguf";
  for (const char* text : {"{{ raise_exception('two\\nlines') }}", "{{ 'a\\nb' + 1 }}", "{% 'a\nb\x1b' %}"}) {
    ModelOutcomes outcomes;
    try_model(with_chat_template(read_bytes(path), text), outcomes);
    EXPECT_EQ(outcomes.rejected, 1) << text;
  }
}

TEST(ModelMutations, RejectedInOneLineOrRunAStep) {
  expect_no_surprise(90);
}

}  // namespace
}  // namespace yoke::test
