// Every field of a GGUF file, wrong in every way that matters: one line that names file and field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>
#include <string>

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "gguf/raw_gguf.h"
#include "support/temp_folder.h"

namespace yoke {
namespace {

using test::RawGguf;
using test::TempFolder;
using ::testing::HasSubstr;

constexpr uint32_t kF32 = 0;
constexpr uint32_t kQ4_K = 12;

std::string error_of(const std::string& path) {
  try {
    GgufFile::open(path);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadFile);
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    EXPECT_THAT(e.what(), ::testing::StartsWith("reading " + path + ": "));
    return e.what();
  }
  return "(accepted)";
}

class Rejection : public ::testing::Test {
 protected:
  std::string error_of_bytes(RawGguf& file) {
    test::write_bytes(path_, file.take());
    return error_of(path_);
  }
  void expect(RawGguf& file, const std::string& message) {
    EXPECT_THAT(error_of_bytes(file), HasSubstr(message));
  }

  TempFolder folder_;
  std::string path_ = folder_ / "m.gguf";
};

TEST_F(Rejection, TheBaseOfTheseTestsIsAccepted) {
  RawGguf file;
  file.start(2, 1).entry("general.architecture", EncodedValue::text("llama"));
  file.tensor("a", {8, 2}, kF32, 0).tensor("b", {256}, kQ4_K, 64).pad().data(64 + 144);
  expect(file, "(accepted)");
}

TEST_F(Rejection, FilesThatCannotBeMapped) {
  EXPECT_THAT(error_of(folder_ / "none.gguf"), HasSubstr("No such file"));
  EXPECT_THAT(error_of(folder_.path()), HasSubstr("it is a directory"));
  test::write_bytes(path_, {});
  EXPECT_THAT(error_of(path_), HasSubstr("the file is empty"));
  ASSERT_EQ(mkfifo((folder_ / "pipe.gguf").c_str(), 0600), 0);
  EXPECT_THAT(error_of(folder_ / "pipe.gguf"), HasSubstr("not a regular file"));
  if (geteuid() == 0) return;  // root reads everything
  ASSERT_EQ(chmod(path_.c_str(), 0), 0);
  EXPECT_THAT(error_of(path_), HasSubstr("Permission denied"));
}

TEST_F(Rejection, Magic) {
  expect(RawGguf().raw("GG"), "magic: the file ends inside it");
  expect(RawGguf().magic("GGML").number(3), "magic: the first bytes are \"GGML\"");
  expect(RawGguf().raw("\x01\n\xff\\").number(3), R"(magic: the first bytes are "\x01\x0a\xff\x5c")");
  expect(RawGguf().magic("FUGG").number(3), "big-endian");
  expect(RawGguf().raw("version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer");
  expect(RawGguf().raw("<!DOCTYPE html><html>"), "web page");
}

TEST_F(Rejection, Version) {
  expect(RawGguf().magic().raw("\3"), "version: the file ends inside it");
  for (const uint32_t version : {0u, 1u, 4u, 0x7fffffffu}) {
    expect(RawGguf().start(0, 0, version), "version: " + std::to_string(version) + " is not supported");
  }
  expect(RawGguf().start(0, 0, 0x03000000), "big-endian");
}

TEST_F(Rejection, Counts) {
  expect(RawGguf().magic().number(3).number(0), "tensor count: the file ends inside it");
  expect(RawGguf().magic().number(3).number<uint64_t>(0), "metadata count: the file ends inside it");
  expect(RawGguf().start(0, 1), "metadata count: 1 cannot fit");
  expect(RawGguf().start(1, 0), "tensor count: 1 cannot fit");
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  expect(RawGguf().start(most, 0).data(100), "tensor count: 18446744073709551615 cannot fit");
  expect(RawGguf().start(0, most).data(100), "metadata count: 18446744073709551615 cannot fit");
}

TEST_F(Rejection, Keys) {
  const EncodedValue one = EncodedValue::number<uint8_t>(1);
  expect(RawGguf().start(0, 1).entry("", one).data(9), "metadata 0: its key is empty");
  expect(RawGguf().start(0, 1).number<uint64_t>(1ull << 60).data(20),
         "metadata 0: a string of 1152921504606846976 bytes goes past the end");
  expect(RawGguf().start(0, 1).entry(std::string(65536, 'k'), one), "metadata 0: its key has 65536 bytes");
  expect(RawGguf().start(0, 1).entry(std::string(65535, 'k'), one), "(accepted)");
  expect(RawGguf().start(0, 2).entry("k", one).entry("k", one), "metadata 1 (k): the key is there twice");
  expect(RawGguf().start(0, 2).entry("k\n\x1b[2J", one).entry("k\n\x1b[2J", one),
         R"(metadata 1 (k\x0a\x1b[2J))");
}

TEST_F(Rejection, Values) {
  expect(RawGguf().start(0, 1).text("k").number<uint32_t>(13).data(9),
         "metadata 0 (k): value type 13 does not exist");
  expect(RawGguf().start(0, 1).text("key").number<uint32_t>(10).data(7),
         "metadata 0 (key): the file ends inside it");
  expect(RawGguf().start(0, 1).text("k").number<uint32_t>(7).number<uint8_t>(2), "a bool is 2");
  expect(RawGguf().start(0, 1).text("k").number<uint32_t>(8).number<uint64_t>(5).raw("four"),
         "a string of 5 bytes goes past the end");
  expect(RawGguf()
             .start(0, 1)
             .text("k")
             .number<uint32_t>(8)
             .number(std::numeric_limits<uint64_t>::max())
             .raw("four"),
         "a string of 18446744073709551615 bytes goes past the end");
}

// The start of an array that is the value of an entry or an element of another array.
RawGguf& array(RawGguf& file, uint32_t element_type, uint64_t count) {
  return file.number(element_type).number(count);
}

TEST_F(Rejection, Arrays) {
  const auto begin = [](RawGguf&& file) -> RawGguf { return file.start(0, 1).text("k").number<uint32_t>(9); };
  RawGguf unknown = begin({});
  expect(array(unknown, 99, 0), "value type 99 does not exist");
  RawGguf long_numbers = begin({});
  expect(array(long_numbers, 4, 3).data(11), "an array of 3 elements goes past the end");
  RawGguf overflow = begin({});
  expect(array(overflow, 10, (1ull << 61) + 1).data(8),
         "an array of 2305843009213693953 elements goes past the end");
  RawGguf long_strings = begin({});
  expect(array(long_strings, 8, 2).text("aaaaaaaa").number<uint64_t>(9).raw("x"),
         "a string of 9 bytes goes past");
  RawGguf bools = begin({});
  expect(array(bools, 7, 3).raw(std::string("\0\1\3", 3)), "a bool is 3");
  RawGguf cut = begin({});
  expect(cut.number<uint32_t>(9), "the file ends inside it");
}

TEST_F(Rejection, NestedArrays) {
  for (const int depth : {4, 5, 100000}) {
    RawGguf file;
    file.start(0, 1).text("k").number<uint32_t>(9);
    for (int i = 1; i < depth; ++i) array(file, 9, 1);
    expect(array(file, 4, 1).number(7), depth <= 4 ? "(accepted)" : "arrays are nested more than 4 deep");
  }
}

TEST_F(Rejection, Alignment) {
  const auto with = [](const EncodedValue& value) {
    RawGguf file;
    file.start(0, 1).entry("general.alignment", value);
    return file;
  };
  for (const uint32_t alignment : {0u, 1u, 4u, 24u, 33u, 1u << 31}) {
    RawGguf file = with(EncodedValue::number(alignment));
    expect(file, "general.alignment: " + std::to_string(alignment) + " is not a power of two");
  }
  RawGguf text = with(EncodedValue::text("32"));
  expect(text, "general.alignment: it is not an unsigned integer but a string");
  RawGguf negative = with(EncodedValue::number<int32_t>(-32));
  expect(negative, "general.alignment: it is not an unsigned integer");
  RawGguf narrow = with(EncodedValue::number<uint8_t>(64));
  expect(narrow, "(accepted)");
}

TEST_F(Rejection, TensorNames) {
  expect(RawGguf().start(1, 0).tensor("", {8}, kF32, 0).data(64), "tensor 0: its name is empty");
  expect(RawGguf().start(1, 0).tensor(std::string(1025, 't'), {8}, kF32, 0).data(64),
         "its name has 1025 bytes");
  expect(RawGguf().start(2, 0).tensor("t", {8}, kF32, 0).tensor("t", {8}, kF32, 32).pad().data(64),
         "tensor 1 (t): the name is there twice");
  expect(RawGguf().start(1, 0).number<uint64_t>(1 << 20).data(64),
         "tensor 0: a string of 1048576 bytes goes past");
}

TEST_F(Rejection, Shapes) {
  const auto with = [](const std::vector<uint64_t>& shape, uint32_t type) {
    RawGguf file;
    file.start(1, 0).tensor("t", shape, type, 0).pad().data(4096);
    return file;
  };
  const auto rejects = [&](const std::vector<uint64_t>& shape, uint32_t type, const std::string& message) {
    RawGguf file = with(shape, type);
    expect(file, message);
  };
  rejects({1, 1, 1, 1, 1}, kF32, "tensor 0 (t): 5 dimensions");
  rejects({8, 0}, kF32, "tensor 0 (t): dimension 1 is 0");
  rejects({1ull << 63}, kF32, "tensor 0 (t): dimension 0 is 9223372036854775808");
  rejects({1ull << 32, 1ull << 32}, kF32, "the product of its dimensions overflows");
  rejects({1ull << 62}, kF32, "its size in bytes overflows");
  rejects({1ull << 50}, kF32, "go past the");
  rejects({128}, kQ4_K, "its rows of 128 values are no multiple of Q4_K's block of 256");
  rejects({}, kF32, "(accepted)");
  rejects({}, kQ4_K, "its rows of 1 values are no multiple");
  RawGguf many;
  many.start(1, 0).text("t").number<uint32_t>(0xffffffff).data(4096);
  expect(many, "4294967295 dimensions");
}

TEST_F(Rejection, Types) {
  for (const uint32_t id : {43u, 1000u, 0xffffffffu}) {
    RawGguf file;
    file.start(1, 0).tensor("blk.0.w", {256}, id, 0).pad().data(4096);
    expect(file, "tensor 0 (blk.0.w): type id " + std::to_string(id) + " is unknown");
  }
}

TEST_F(Rejection, Offsets) {
  expect(RawGguf().start(1, 0).tensor("t", {8}, kF32, 4).pad().data(64), "offset 4 is not a multiple of 32");
  expect(RawGguf().start(1, 0).tensor("t", {8}, kF32, 64).pad().data(64),
         "its 32 bytes at offset 64 go past the 64");
  expect(RawGguf().start(1, 0).tensor("t", {8}, kF32, 1ull << 63).pad().data(64),
         "go past the 64 bytes of data");
  expect(RawGguf().start(1, 0).tensor("t", {8}, kF32, 0).pad().data(31),
         "its 32 bytes at offset 0 go past the 31");
  expect(RawGguf().start(1, 0).tensor("t", {8}, kF32, 0), "go past the 0 bytes");
  RawGguf aligned;
  aligned.start(1, 1).entry("general.alignment", EncodedValue::number<uint32_t>(64));
  expect(aligned.tensor("t", {8}, kF32, 32).pad(64).data(64), "offset 32 is not a multiple of 64");
}

TEST_F(Rejection, Overlaps) {
  RawGguf same;
  same.start(2, 0).tensor("a", {8}, kF32, 32).tensor("b", {8}, kF32, 32).pad().data(96);
  expect(same, "tensor 1 (b): its data overlap those of a");
  RawGguf partly;
  partly.start(2, 0).tensor("a", {8}, kF32, 32).tensor("b", {16}, kF32, 0).pad().data(96);
  expect(partly, "tensor 0 (a): its data overlap those of b");
}

TEST_F(Rejection, EveryTruncation) {
  RawGguf file;
  file.start(2, 2).entry("general.architecture", EncodedValue::text("llama"));
  const std::string words[] = {"one", "two"};
  file.entry("words", EncodedValue::texts(words));
  file.tensor("a", {8, 2}, kF32, 0).tensor("b", {256}, kQ4_K, 64).pad().data(64 + 144);
  const std::vector<std::byte> whole = file.take();
  for (size_t n = 1; n < whole.size(); ++n) {
    try {
      parse_gguf_header(std::span(whole).first(n), path_);
      FAIL() << n << " bytes were accepted";
    } catch (const Error& e) {
      ASSERT_THAT(e.what(), ::testing::AnyOf(HasSubstr("truncated"), HasSubstr("not a GGUF file"))) << n;
    }
  }
}

}  // namespace
}  // namespace yoke
