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

TEST(ModelMutations, RejectedInOneLineOrRunAStep) {
  expect_no_surprise(90);
}

}  // namespace
}  // namespace yoke::test
