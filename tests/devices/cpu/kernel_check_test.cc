// Kernels are checked before they are used: each set passes, and one that is broken on purpose is replaced.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <iostream>

#include "base/cpu_features.h"
#include "devices/conformance/conformance.h"
#include "devices/cpu/cpu_device.h"
#include "devices/cpu/kernel_set.h"

namespace yoke::cpu {
namespace {

// Where LinearKernels has Q4_K.
constexpr size_t kQ4K = 9;

LinearFn right_linear = nullptr;
decltype(OpKernels::add) right_add = nullptr;
decltype(OpKernels::gated_mul) right_gated_mul = nullptr;

void flip_last_bit(float* x) {
  *reinterpret_cast<unsigned char*>(x) ^= 1;
}

// Wrong in one bit of one output of many.
void wrong_linear(const LinearArgs& a) {
  right_linear(a);
  if (a.n > 16 && a.panel_end > 1) flip_last_bit(a.out + 16);
}
void wrong_add(const float* a, const float* b, int64_t n, float* out) {
  right_add(a, b, n, out);
  if (n > 40) flip_last_bit(out + 40);
}
void writes_too_far(const float* a, const float* b, int64_t n, float* out) {
  right_gated_mul(a, b, n, out);
  if (n % 16 != 0) out[n] = 1.0f;
}

void break_product(LinearKernels& linear, OpKernels&) {
  right_linear = linear.linear[kQ4K];
  linear.linear[kQ4K] = wrong_linear;
}
void break_ops(LinearKernels&, OpKernels& ops) {
  right_add = ops.add;
  right_gated_mul = ops.gated_mul;
  ops.add = wrong_add;
  ops.gated_mul = writes_too_far;
}

std::string best() {
  return std::string(choose_isa("", detect_cpu_features()));
}

class BrokenKernel : public testing::Test {
 protected:
  void SetUp() override {
    if (best() == "portable") GTEST_SKIP() << "this machine has no set above the portable one";
  }
};

TEST(KernelCheck, EverySetPassesAndTakesLittleTime) {
  for (const std::string_view isa : isas_of(detect_cpu_features())) {
    if (isa == "avx512amx" && linear_avx512amx() == nullptr) continue;  // not in builds with sanitizers
    const std::clock_t begin = std::clock();
    const KernelSet set = kernel_set(isa);
    const double ms = 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    EXPECT_THAT(set.refused, testing::IsEmpty()) << isa;
    EXPECT_THAT(set.linear_isa, testing::Each(isa)) << isa;
    std::cout << isa << ": " << ms << " ms of CPU time\n";
  }
}

TEST_F(BrokenKernel, AProductWithAWrongBitGivesWayToTheNextSet) {
  const KernelSet set = kernel_set(best(), true, break_product);
  EXPECT_THAT(set.refused, testing::ElementsAre(best() + " linear Q4_K"));
  EXPECT_NE(set.linear_for(DType::kQ4_K), wrong_linear);
  EXPECT_NE(set.linear_for(DType::kQ4_K), nullptr);
  EXPECT_NE(set.isa_of(DType::kQ4_K), best());
  EXPECT_EQ(set.isa_of(DType::kQ5_K), best());
}

TEST_F(BrokenKernel, WrongAndStrayWritesOfOpsAreFoundInTheirGroups) {
  if (kernel_set(best()).isa_of(OpGroup::kAdd) == "portable") GTEST_SKIP() << "its ops are the portable ones";
  const KernelSet set = kernel_set(best(), true, break_ops);
  ASSERT_EQ(set.refused.size(), 2u);
  EXPECT_THAT(set.refused[0], testing::EndsWith(" gated_mul"));
  EXPECT_THAT(set.refused[1], testing::EndsWith(" add"));
  EXPECT_NE(set.ops->add, wrong_add);
  EXPECT_NE(set.ops->gated_mul, writes_too_far);
  EXPECT_NE(set.isa_of(OpGroup::kAdd), set.isa_of(OpGroup::kRope));
}

// The device runs without it, says so, and every result is right.
TEST_F(BrokenKernel, ADeviceDoesNotUseIt) {
  const auto device = make_cpu_device({.threads = 2, .alter_kernels = break_product});
  EXPECT_THAT(device->info().description, testing::HasSubstr(best() + " linear Q4_K failed its check"));
  for (const ConformanceResult& r : run_conformance(*device, {.ops = {"linear", "gated_linear"}})) {
    EXPECT_TRUE(r.passed) << r.op << " " << r.format << " (" << r.kernel << "): " << r.message;
    const bool replaced = !r.kernel.starts_with(best() + " ");
    EXPECT_EQ(replaced, r.format.starts_with("q4_k")) << r.op << " " << r.format << ": " << r.kernel;
  }
}

// What `yoke selftest` does: the kernels as they are, so that the wrong one is named (and it exits with 5).
TEST_F(BrokenKernel, TheSuiteNamesItWhereItIsNotReplaced) {
  const auto device = make_cpu_device({.threads = 2, .check_kernels = false, .alter_kernels = break_product});
  int failures = 0;
  for (const ConformanceResult& r : run_conformance(*device, {.ops = {"linear"}})) {
    const bool wrong = r.format == "q4_k panel16";
    EXPECT_EQ(r.passed, !wrong) << r.format << ": " << r.message;
    if (!wrong) continue;
    ++failures;
    EXPECT_THAT(r.kernel, testing::HasSubstr(best() + " panel16"));
    EXPECT_NE(r.message, "");
  }
  EXPECT_EQ(failures, 1);
}

}  // namespace
}  // namespace yoke::cpu
