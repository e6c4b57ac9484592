// Thousands of damaged files: each is rejected in one line or can be read in full.
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <string>

#include "fuzz/gguf_mutator.h"
#include "fuzz/gguf_seeds.h"
#include "fuzz/gguf_walk.h"
#include "support/temp_folder.h"

namespace yoke::test {
namespace {

constexpr uint64_t kMutationsPerSeed = 3000;

struct Outcome {
  uint64_t accepted = 0, rejected = 0;
  std::map<std::string, uint64_t> reasons;  // by the message's words, without its numbers and names
};

// "reading F: tensor 3 (x): offset 7 is not ..." -> "offset is not"
std::string reason_of(const std::string& message) {
  std::string reason;
  const size_t from = message.find(": ", message.find(": ") + 2);
  for (const char c : message.substr(from == std::string::npos ? 0 : from + 2, 40)) {
    if ((c >= 'a' && c <= 'z') || c == ' ') reason += c;
  }
  return reason;
}

Outcome run_mutations(const std::vector<std::byte>& seed, uint64_t count) {
  Outcome outcome;
  for (uint64_t i = 0; i < count; ++i) {
    GgufMutator mutator(i);
    const std::vector<std::byte> file = mutator.mutate(seed);
    const auto error = try_gguf(file, [](const GgufFile& f) { walk_completely(f); });
    if (::testing::Test::HasFailure()) break;
    ++(error ? outcome.rejected : outcome.accepted);
    if (error) ++outcome.reasons[reason_of(*error)];
  }
  return outcome;
}

TEST(GgufMutations, TheSeedsThemselvesAreAccepted) {
  for (const GgufSeed& seed : gguf_seeds()) {
    EXPECT_EQ(try_gguf(seed.bytes, [](const GgufFile& f) { walk_completely(f); }).value_or("accepted"),
              "accepted")
        << seed.name;
  }
}

TEST(GgufMutations, RejectedInOneLineOrReadInFull) {
  std::map<std::string, uint64_t> reasons;
  for (const GgufSeed& seed : gguf_seeds()) {
    const Outcome outcome = run_mutations(seed.bytes, kMutationsPerSeed);
    std::cout << seed.name << ": " << outcome.accepted << " accepted, " << outcome.rejected << " rejected\n";
    EXPECT_EQ(outcome.accepted + outcome.rejected, kMutationsPerSeed) << seed.name;
    // The mutator has to reach both sides, or it tests nothing.
    EXPECT_GT(outcome.accepted, kMutationsPerSeed / 20) << seed.name;
    EXPECT_GT(outcome.rejected, kMutationsPerSeed / 5) << seed.name;
    for (const auto& [reason, count] : outcome.reasons) reasons[reason] += count;
  }
  std::cout << reasons.size() << " different reasons\n";
  EXPECT_GE(reasons.size(), 25u);
}

TEST(GgufMutations, OneSeedOfTheGeneratorGivesOneFile) {
  const std::vector<std::byte> seed = gguf_seeds()[0].bytes;
  EXPECT_EQ(GgufMutator(7).mutate(seed), GgufMutator(7).mutate(seed));
  EXPECT_NE(GgufMutator(7).mutate(seed), GgufMutator(8).mutate(seed));
}

TEST(GgufMutations, ARealVocabulary) {
  const std::string path = std::string(YOKE_TESTS_DIR) + "/../../shared/fixtures/tokenizers/llama-spm.gguf";
  if (!std::filesystem::exists(path))
    GTEST_SKIP() << "../shared/fixtures/tokenizers/llama-spm.gguf is not here";
  const Outcome outcome = run_mutations(read_bytes(path), 200);
  EXPECT_EQ(outcome.accepted + outcome.rejected, 200u);
}

}  // namespace
}  // namespace yoke::test
