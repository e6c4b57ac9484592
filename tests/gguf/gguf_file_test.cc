#include "gguf/gguf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "gguf/gguf_writer.h"
#include "gguf/raw_gguf.h"
#include "support/temp_folder.h"

namespace yoke {
namespace {

using test::RawGguf;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

template <typename F>
std::string error_of(F work) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadFile);
    return e.what();
  }
  return "(no error)";
}

TEST(GgufType, BlocksOfTheBestKnownTypes) {
  const GgufType* q4_k = find_gguf_type(12);
  ASSERT_NE(q4_k, nullptr);
  EXPECT_STREQ(q4_k->name, "Q4_K");
  EXPECT_EQ(q4_k->block_values, 256u);
  EXPECT_EQ(q4_k->block_bytes, 144u);
  EXPECT_STREQ(find_gguf_type(39)->name, "MXFP4");
  EXPECT_TRUE(find_gguf_type(31)->removed);
  EXPECT_EQ(find_gguf_type(43), nullptr);
  EXPECT_EQ(find_gguf_type(0xffffffff), nullptr);
}

class TypedLookups : public ::testing::Test {
 protected:
  TypedLookups() {
    GgufWriter w(path_);
    w.set("u8", uint8_t{200});
    w.set("i8", int8_t{-3});
    w.set("i32", int32_t{7});
    w.set("u64", std::numeric_limits<uint64_t>::max());
    w.set("f32", 0.5f);
    w.set("f64", -2.25);
    w.set("yes", true);
    w.set("text", "line\nbreak");
    const std::string words[] = {"a", "", "ccc"};
    w.set("words", EncodedValue::texts(words));
    const float floats[] = {1.5f, -2.0f};
    w.set("floats", EncodedValue::numbers(floats));
    const double doubles[] = {0.25};
    w.set("doubles", EncodedValue::numbers(doubles));
    const int16_t shorts[] = {-1, 2, 3};
    w.set("shorts", EncodedValue::numbers(shorts));
    const bool bools[] = {true, false};
    w.set("bools", EncodedValue::numbers(bools));
    const uint64_t huge[] = {1, 1ull << 63};
    w.set("huge", EncodedValue::numbers(huge));
    w.set("none", EncodedValue::texts(std::vector<std::string>()));
    w.finish();
  }

  TempFolder folder_;
  std::string path_ = folder_ / "m.gguf";
};

TEST_F(TypedLookups, NumbersOfAnyType) {
  const GgufFile f = GgufFile::open(path_);
  EXPECT_EQ(f.find_u64("u8"), 200u);
  EXPECT_EQ(f.find_i64("i8"), -3);
  EXPECT_EQ(f.find_u64("i32"), 7u);
  EXPECT_EQ(f.find_u64("u64"), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(f.find_f64("f32"), 0.5);
  EXPECT_EQ(f.find_f64("f64"), -2.25);
  EXPECT_EQ(f.find_f64("i8"), -3.0);
  EXPECT_EQ(f.find_bool("yes"), true);
  EXPECT_EQ(f.find_string("text"), "line\nbreak");
  EXPECT_EQ(f.find_u64("missing"), std::nullopt);
  EXPECT_EQ(f.find_strings("missing").has_value(), false);
}

TEST_F(TypedLookups, WrongTypesNameFileAndKey) {
  const GgufFile f = GgufFile::open(path_);
  const std::string in = "reading " + path_ + ": ";
  EXPECT_THAT(error_of([&] { f.find_u64("i8"); }),
              HasSubstr(in + "i8: an unsigned integer is expected, it is int8 -3"));
  EXPECT_THAT(error_of([&] { f.find_i64("u64"); }),
              HasSubstr("u64: an integer below 2^63 is expected, it is uint64"));
  EXPECT_THAT(error_of([&] { f.find_u64("f32"); }), HasSubstr("it is float32"));
  EXPECT_THAT(error_of([&] { f.find_u64("yes"); }), HasSubstr("it is bool"));
  EXPECT_THAT(error_of([&] { f.find_f64("text"); }), HasSubstr("a number is expected, it is string"));
  EXPECT_THAT(error_of([&] { f.find_bool("i32"); }), HasSubstr("a bool is expected, it is int32 7"));
  EXPECT_THAT(error_of([&] { f.find_string("words"); }),
              HasSubstr("a string is expected, it is array of string"));
  EXPECT_THAT(error_of([&] { f.find_strings("floats"); }), HasSubstr("an array of strings is expected"));
  EXPECT_THAT(error_of([&] { f.find_floats("shorts"); }), HasSubstr("an array of floats is expected"));
  EXPECT_THAT(error_of([&] { f.find_integers("floats"); }), HasSubstr("an array of integers is expected"));
  EXPECT_THAT(error_of([&] { f.find_integers("huge"); }), HasSubstr("huge: element 9223372036854775808"));
  EXPECT_THAT(error_of([&] { f.find_array("text"); }), HasSubstr("an array is expected"));
  EXPECT_THAT(error_of([&] { f.need_u64("llama.block_count"); }),
              HasSubstr(in + "llama.block_count: the key is missing"));
}

TEST_F(TypedLookups, Arrays) {
  const GgufFile f = GgufFile::open(path_);
  EXPECT_THAT(f.find_strings("words")->to_vector(), ElementsAre("a", "", "ccc"));
  EXPECT_THAT(f.find_floats("floats")->to_vector(), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(f.find_floats("doubles")->to_vector(), ElementsAre(0.25f));
  EXPECT_THAT(f.find_integers("shorts")->to_vector(), ElementsAre(-1, 2, 3));
  EXPECT_THAT(f.find_integers("bools")->to_vector(), ElementsAre(1, 0));
  EXPECT_EQ(f.find_strings("none")->size(), 0u);
  EXPECT_EQ(f.find_strings("none")->to_vector().size(), 0u);
}

TEST(GgufFile, VersionTwoAndMoves) {
  TempFolder folder;
  RawGguf file;
  file.start(1, 1, 2)
      .entry("general.name", EncodedValue::text("two"))
      .tensor("t", {2, 3}, 0, 0)
      .pad()
      .data(24);
  test::write_bytes(folder / "m.gguf", file.take());
  GgufFile first = GgufFile::open(folder / "m.gguf");
  const GgufFile f = std::move(first);
  EXPECT_EQ(f.version(), 2u);
  EXPECT_EQ(f.find_string("general.name"), "two");
  const TensorInfo* t = f.find_tensor("t");
  ASSERT_NE(t, nullptr);
  EXPECT_EQ(t->rank, 2);
  EXPECT_EQ(t->elements(), 6);
  EXPECT_EQ(t->rows(), 3);
  EXPECT_EQ(t->row_bytes(), 8u);
  EXPECT_EQ(t->data.size(), 24u);
  EXPECT_EQ(t->data[23], std::byte{'d'});
  EXPECT_EQ(f.find_tensor("u"), nullptr);
  EXPECT_EQ(f.total_bytes(), std::filesystem::file_size(folder / "m.gguf"));
}

TEST(GgufFile, ReleasedPagesComeBackWithTheSameBytes) {
  TempFolder folder;
  const int64_t shape[] = {1 << 16};
  std::vector<std::byte> data(1 << 18);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7 >> 3);
  GgufWriter w(folder / "m.gguf");
  w.declare("t", 0, shape);
  w.append(data);
  w.finish();
  const GgufFile f = GgufFile::open(folder / "m.gguf");
  const std::span<const std::byte> t = f.find_tensor("t")->data;
  for (const auto range : {t, t.subspan(1, 100), t.subspan(4095, 8193), t.last(1), t.first(0)}) {
    f.prefetch(range);
    f.release_pages(range);
    EXPECT_TRUE(std::equal(t.begin(), t.end(), data.begin()));
  }
  const std::byte elsewhere[1] = {};
  f.release_pages(elsewhere);
  EXPECT_EQ(elsewhere[0], std::byte{0});
}

TEST(GgufFile, IdentityTellsFilesApart) {
  TempFolder folder;
  for (const char* name : {"a.gguf", "b.gguf"}) {
    GgufWriter w(folder / name);
    w.set("name", name);
    w.finish();
  }
  const auto a = GgufFile::open(folder / "a.gguf").identity();
  EXPECT_EQ(a, GgufFile::open(folder / "a.gguf").identity());
  EXPECT_NE(a, GgufFile::open(folder / "b.gguf").identity());
}

class SplitFiles : public ::testing::Test {
 protected:
  struct Shard {
    uint16_t number = 0, count = 3;
    int32_t total = 3;
  };
  static std::string name(int number) { return "m-0000" + std::to_string(number) + "-of-00003.gguf"; }

  // Shard i has one tensor t<i> of bytes i.
  void write_shard(const std::string& file_name, const Shard& s, const std::string& tensor) {
    GgufWriter w(folder_ / file_name);
    if (s.number == 0) w.set("general.name", "split");
    w.set("split.no", s.number);
    w.set("split.count", s.count);
    w.set("split.tensors.count", s.total);
    const int64_t shape[] = {16};
    w.declare(tensor, 24, shape);
    w.append(std::vector<std::byte>(16, static_cast<std::byte>(s.number)));
    w.finish();
  }
  void write_all() {
    for (uint16_t i = 0; i < 3; ++i) write_shard(name(i + 1), {.number = i}, "t" + std::to_string(i));
  }
  std::string error_of_opening(const std::string& file_name) {
    return error_of([&] { GgufFile::open(folder_ / file_name); });
  }

  TempFolder folder_;
};

TEST_F(SplitFiles, AnyShardOpensAll) {
  write_all();
  for (const int given : {1, 2, 3}) {
    const GgufFile f = GgufFile::open(folder_ / name(given));
    ASSERT_EQ(f.shards(), 3u);
    ASSERT_EQ(f.tensors().size(), 3u);
    EXPECT_EQ(f.find_string("general.name"), "split");
    for (size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(f.shard_path(i), folder_ / name(static_cast<int>(i) + 1));
      EXPECT_EQ(f.tensors()[i].shard, i);
      EXPECT_EQ(f.find_tensor("t" + std::to_string(i))->data[0], static_cast<std::byte>(i));
    }
    EXPECT_EQ(f.identity().size(), 3u);
  }
}

TEST_F(SplitFiles, AMissingShardIsNamed) {
  write_all();
  std::filesystem::remove(folder_ / name(2));
  for (const int given : {1, 3}) {
    EXPECT_THAT(error_of_opening(name(given)),
                HasSubstr("reading " + (folder_ / name(2)) + ": shard 2 of 3 is missing"));
  }
}

TEST_F(SplitFiles, NamesAndMetadataMustAgree) {
  write_shard("model.gguf", {}, "t");
  EXPECT_THAT(error_of_opening("model.gguf"),
              HasSubstr("split.count: this is shard 1 of 3, but the file's name"));
  write_shard(name(2), {.number = 0}, "t");
  EXPECT_THAT(error_of_opening(name(2)), HasSubstr("says shard 2 of 3, its metadata say 1 of 3"));
  write_shard("m-00001-of-00002.gguf", {}, "t");
  EXPECT_THAT(error_of_opening("m-00001-of-00002.gguf"),
              HasSubstr("says shard 1 of 2, its metadata say 1 of 3"));
  write_shard("bad.gguf", {.number = 3}, "t");
  EXPECT_THAT(error_of_opening("bad.gguf"), HasSubstr("split.no: 3 is not below split.count 3"));
}

TEST_F(SplitFiles, AShardOfAnotherModel) {
  write_all();
  write_shard(name(2), {.number = 1, .count = 4}, "t1");
  EXPECT_THAT(error_of_opening(name(1)), HasSubstr("its metadata say shard 2 of 4, not 2 of 3"));
  write_shard(name(2), {.number = 1}, "t0");
  EXPECT_THAT(error_of_opening(name(1)), HasSubstr("tensor t0: another shard has it too"));
  write_all();
  write_shard(name(1), {.number = 0, .total = 4}, "t0");
  EXPECT_THAT(error_of_opening(name(1)), HasSubstr("split.tensors.count: the shards hold 3 tensors, not 4"));
  test::write_bytes(folder_ / name(3), {});
  EXPECT_THAT(error_of_opening(name(1)), HasSubstr(name(3) + ": the file is empty"));
}

TEST_F(SplitFiles, AWholeFileMayCarrySplitCountOne) {
  write_shard("model.gguf", {.number = 0, .count = 1, .total = 1}, "t");
  EXPECT_EQ(GgufFile::open(folder_ / "model.gguf").shards(), 1u);
}

}  // namespace
}  // namespace yoke
