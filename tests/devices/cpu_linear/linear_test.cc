// Every format's matrix product on every instruction set that this CPU has, equal to the oracle bit for bit.
#include <gtest/gtest.h>

#include <cstring>

#include "base/cpu_features.h"
#include "devices/cpu/kernels/kernels.h"
#include "devices/cpu/kernels/linear/stand_ins.h"
#include "linear_oracle.h"
#include "ops/recipe.h"

namespace yoke::test {
namespace {

struct Set {
  const char* name;
  const cpu::LinearKernels* kernels;
};

std::vector<Set> sets() {
  std::vector<Set> all = {{"portable", cpu::linear_portable()}};
  const CpuFeatures cpu = detect_cpu_features();
  if (cpu.avx2) all.push_back({"avx2", cpu::linear_avx2()});
  if (cpu.avxvnni) all.push_back({"avx2vnni", cpu::linear_avx2vnni()});
  if (cpu.avx512) all.push_back({"avx512", cpu::linear_avx512()});
  if (cpu.avx512vnni) {
    all.push_back({"avx512vnni", cpu::linear_avx512vnni()});
    all.push_back({"avx2vnni_evex", cpu::linear_avx2vnni_evex()});
  }
  if (cpu.avx512bf16) {
    all.push_back({"avx512bf16", cpu::linear_avx512bf16()});
    all.push_back({"avx512amx_emulated", cpu::linear_avx512amx_emulated()});
  }
  if (cpu.amx_int8) all.push_back({"avx512amx", cpu::linear_avx512amx()});
  if (cpu.armdot) all.push_back({"armdot", cpu::linear_armdot()});
  if (cpu.armi8mm) all.push_back({"armi8mm", cpu::linear_armi8mm()});
  std::erase_if(all, [](const Set& s) { return s.kernels == nullptr; });
  return all;
}

size_t position(DType type) {
  size_t i = 0;
  while (all_dtypes()[i].type != type) ++i;
  return i;
}

constexpr float kUntouched = -12345.0f;

// Rows are written into a wider matrix, whose rest must stay as it was.
std::vector<float> run(const cpu::LinearKernels& kernels, LinearData& d, int64_t row_begin, int64_t rows,
                       int64_t split) {
  const LinearCase& c = d.c;
  const int64_t width = c.n + 19;
  std::vector<float> wide(static_cast<size_t>(rows * width), kUntouched);
  AlignedBytes scratch(cpu::kLinearScratchBytes);
  cpu::LinearArgs a{};
  a.x = reinterpret_cast<const std::byte*>(d.x.data() + row_begin * d.act.row_bytes);
  a.x_row_bytes = d.act.row_bytes;
  a.x_scale_offset = d.act.scale_offset;
  a.x_sums_offset = d.act.sums_offset;
  a.x_sums32_offset = d.act.sums32_offset;
  a.rows = static_cast<int32_t>(rows);
  a.w = reinterpret_cast<const std::byte*>(d.w.data());
  a.panel_bytes = static_cast<int64_t>(panel_bytes(c.type, c.k));
  a.k = c.k;
  a.n = c.n;
  a.bias = c.bias ? d.bias.data() : nullptr;
  a.add = c.add ? d.add.data() + row_begin * c.n : nullptr;
  a.add_row_bytes = c.n * 4;
  a.out = wide.data();
  a.out_row_bytes = width * 4;
  a.scratch = reinterpret_cast<std::byte*>(scratch.data());
  const int64_t panels = (c.n + 15) / 16;
  for (int64_t begin = 0; begin < panels; begin += split) {
    a.panel_begin = begin;
    a.panel_end = std::min(begin + split, panels);
    kernels.linear[position(c.type)](a);
  }
  std::vector<float> out;
  for (int64_t m = 0; m < rows; ++m) {
    for (int64_t n = 0; n < width; ++n) {
      const float value = wide[static_cast<size_t>(m * width + n)];
      if (n < c.n) {
        out.push_back(value);
      } else {
        EXPECT_EQ(value, kUntouched) << "written past the last output of row " << m;
      }
    }
  }
  return out;
}

void expect_same_bits(const std::vector<float>& got, const float* want, const std::string& where) {
  int64_t wrong = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], want + i, 4) != 0 && wrong++ == 0) {
      ADD_FAILURE() << where << ": element " << i << " is " << got[i] << ", not " << want[i];
    }
  }
  EXPECT_EQ(wrong, 0) << where << ": of " << got.size();
}

std::string describe(const LinearCase& c, const char* set) {
  return std::string(set) + " " + std::string(traits(c.type).name) + " n " + std::to_string(c.n) + " k " +
         std::to_string(c.k) + " rows " + std::to_string(c.rows) + " extreme " +
         std::to_string(static_cast<int>(c.extreme));
}

void check(const LinearCase& c) {
  LinearData data(c);
  const std::vector<float> want = oracle(data);
  for (const Set& set : sets()) {
    expect_same_bits(run(*set.kernels, data, 0, c.rows, 1 << 20), want.data(), describe(c, set.name));
  }
}

class LinearTest : public testing::TestWithParam<DType> {
 protected:
  DType type() const { return GetParam(); }
  int64_t block() const { return traits(type()).block; }
};

TEST_P(LinearTest, EveryTileHeight) {
  for (int64_t rows = 1; rows <= 24; ++rows) {
    check({type(), 48, block() == 1 ? 40 : 256, rows, false, false, Extreme::kNone, 1});
  }
  // Where AMX begins, and every kind of remainder of its tiles.
  for (const int64_t rows : {31, 32, 33, 50, 63, 64, 65, 66, 68, 69, 79, 80}) {
    check({type(), 48, block() == 1 ? 40 : 256, rows, false, false, Extreme::kNone, 9});
  }
}

TEST_P(LinearTest, EdgesOfN) {
  for (int64_t n : {1, 15, 16, 17, 33}) {
    check({type(), n, 256, 3, true, true, Extreme::kNone, 2});
  }
}

// One block, odd numbers of blocks, pieces begun and ended, trees of up to eleven pieces.
TEST_P(LinearTest, EdgesOfK) {
  std::vector<int64_t> ks = {
      block(), 3 * block(), 1024, 1024 + block(), 3 * 1024 + 5 * block() % 1024, 10 * 1024 + block()};
  for (int64_t k : ks) {
    check({type(), 20, k, 1, false, false, Extreme::kNone, 3});
    check({type(), 20, k, 5, false, true, Extreme::kNone, 4});
    // Enough rows for float weights to be widened, and the last tile not full.
    check({type(), 20, k, 17, false, true, Extreme::kNone, 8});
    check({type(), 20, k, 71, true, true, Extreme::kNone, 10});
  }
}

// Sums at their bounds: 16-bit steps must not saturate.
TEST_P(LinearTest, Extremes) {
  for (Extreme e : {Extreme::kHighHigh, Extreme::kHighLow, Extreme::kLowHigh, Extreme::kAlternating}) {
    for (int64_t rows : {1, 2, 7, 64}) check({type(), 32, 512, rows, false, false, e, 5});
  }
}

// More rows than the scratch holds sums for at once.
TEST_P(LinearTest, ManyRows) {
  check({type(), 32, block() == 1 ? 8 : 256, 1100, false, false, Extreme::kNone, 6});
}

TEST_P(LinearTest, BatchAndDivisionDoNotShow) {
  const LinearCase c{type(), 150, 2304, 13, true, true, Extreme::kNone, 7};
  LinearData data(c);
  for (const Set& set : sets()) {
    const std::vector<float> whole = run(*set.kernels, data, 0, c.rows, 1 << 20);
    for (int64_t rows : {1, 2, 3, 5, 8}) {
      for (int64_t split : {1, 3}) {
        for (int64_t begin = 0; begin + rows <= c.rows; begin += rows) {
          expect_same_bits(run(*set.kernels, data, begin, rows, split), whole.data() + begin * c.n,
                           describe(c, set.name) + " as " + std::to_string(rows));
        }
      }
    }
  }
}

TEST(Linear, EverySetHasEveryFormat) {
  for (const Set& set : sets()) {
    for (int i = 0; i < cpu::kFormats; ++i) {
      EXPECT_NE(set.kernels->linear[i], nullptr)
          << set.name << " " << all_dtypes()[static_cast<size_t>(i)].name;
    }
  }
}

std::vector<DType> types() {
  std::vector<DType> all;
  for (const DTypeTraits& t : all_dtypes()) all.push_back(t.type);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Formats, LinearTest, testing::ValuesIn(types()),
                         [](const auto& p) { return std::string(traits(p.param).name); });

}  // namespace
}  // namespace yoke::test
