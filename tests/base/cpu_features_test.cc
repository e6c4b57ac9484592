#include "base/cpu_features.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace yoke {
namespace {

TEST(CpuFeatures, PortableIsAlwaysThereAndTheBestIsFirst) {
  EXPECT_EQ(isas_of({}), (std::vector<std::string_view>{"portable"}));
  CpuFeatures all;
  all.avx2 = all.avx512 = all.avx512vnni = true;
  EXPECT_EQ(isas_of(all), (std::vector<std::string_view>{"avx512vnni", "avx512", "avx2", "portable"}));
  EXPECT_EQ(choose_isa("", all), "avx512vnni");
  all.amx_int8 = all.avx512bf16 = true;
  EXPECT_EQ(isas_of(all), (std::vector<std::string_view>{"avx512amx", "avx512bf16", "avx512vnni", "avx512",
                                                         "avx2", "portable"}));
  CpuFeatures client;
  client.avx2 = client.avxvnni = true;
  EXPECT_EQ(isas_of(client), (std::vector<std::string_view>{"avx2vnni", "avx2", "portable"}));
  CpuFeatures arm;
  arm.armdot = arm.armi8mm = true;
  EXPECT_EQ(isas_of(arm), (std::vector<std::string_view>{"armi8mm", "armdot", "portable"}));
  EXPECT_EQ(choose_isa("", all), "avx512amx");
  EXPECT_EQ(choose_isa("avx2", all), "avx2");
}

TEST(CpuFeatures, WhatTheCpuLacksIsAUsageErrorThatListsWhatItHas) {
  CpuFeatures some;
  some.avx2 = true;
  try {
    choose_isa("avx512", some);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("it has avx2, portable"), std::string::npos) << error.what();
  }
}

TEST(CpuFeatures, SetsAreNested) {
  const CpuFeatures f = detect_cpu_features();
  EXPECT_TRUE(!f.avx512bf16 || f.avx512vnni);
  EXPECT_TRUE(!f.avx512vnni || f.avx512);
  EXPECT_TRUE(!f.avx512 || f.avx2);
#if defined(__x86_64__) && defined(__GNUC__)
  EXPECT_EQ(f.avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
  EXPECT_EQ(f.avx512vnni, __builtin_cpu_supports("avx512vnni") != 0);
#endif
}

}  // namespace
}  // namespace yoke
