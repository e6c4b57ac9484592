// Twelve thousand damaged models: each is rejected in one line or runs a step.
#include "fuzz/model_mutations.h"

namespace yoke::test {
namespace {

TEST(ModelMutationsSlow, RejectedInOneLineOrRunAStep) {
  expect_no_surprise(2000);
}

}  // namespace
}  // namespace yoke::test
