#include "gguf/gguf_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "gguf/gguf_file.h"
#include "support/temp_folder.h"

namespace yoke {
namespace {

using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename F>
std::string error_of(F work) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kRuntime);
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.what();
  }
  return "(no error)";
}

std::vector<std::byte> pattern(size_t bytes, unsigned seed) {
  std::vector<std::byte> all(bytes);
  for (size_t i = 0; i < bytes; ++i) all[i] = static_cast<std::byte>((i * 31 + seed * 17) >> 1);
  return all;
}

void set_every_type(GgufWriter& w) {
  w.set("u8", uint8_t{255});
  w.set("i8", int8_t{-128});
  w.set("u16", uint16_t{65535});
  w.set("i16", int16_t{-32768});
  w.set("u32", uint32_t{4000000000u});
  w.set("i32", int32_t{-2000000000});
  w.set("u64", uint64_t{1} << 63);
  w.set("i64", -(int64_t{1} << 62));
  w.set("f32", 1.25f);
  w.set("f64", 1e300);
  w.set("bool", false);
  w.set("string", "text with \0 inside");
  const EncodedValue rows[] = {EncodedValue::numbers(std::vector<int32_t>()),
                               EncodedValue::numbers(std::vector{1, 2})};
  w.set("rows", EncodedValue::array(GgufValueType::kArray, rows));
}

TEST(GgufWriter, EveryValueTypeComesBack) {
  TempFolder folder;
  GgufWriter w(folder / "m.gguf");
  set_every_type(w);
  w.set("u8", uint8_t{254});  // keeps its place
  w.finish();
  const GgufFile f = GgufFile::open(folder / "m.gguf");
  EXPECT_EQ(f.version(), 3u);
  ASSERT_EQ(f.metadata().size(), 13u);
  EXPECT_EQ(f.metadata()[0].key, "u8");
  EXPECT_EQ(f.find_u64("u8"), 254u);
  EXPECT_EQ(f.find_i64("i8"), -128);
  EXPECT_EQ(f.find_u64("u16"), 65535u);
  EXPECT_EQ(f.find_i64("i16"), -32768);
  EXPECT_EQ(f.find_u64("u32"), 4000000000u);
  EXPECT_EQ(f.find_i64("i32"), -2000000000);
  EXPECT_EQ(f.find_u64("u64"), uint64_t{1} << 63);
  EXPECT_EQ(f.find_i64("i64"), -(int64_t{1} << 62));
  EXPECT_EQ(f.find_f64("f32"), 1.25);
  EXPECT_EQ(f.find_f64("f64"), 1e300);
  EXPECT_EQ(f.find_bool("bool"), false);
  std::vector<std::vector<int64_t>> rows;
  const auto stored = f.find_array("rows");
  for (const GgufValue row : *stored) rows.push_back(GgufNumbers<int64_t>(*row.as_array()).to_vector());
  EXPECT_THAT(rows, ElementsAre(IsEmpty(), ElementsAre(1, 2)));
}

TEST(GgufWriter, ACopyOfAFileIsTheSameFile) {
  TempFolder folder;
  for (const uint32_t alignment : {8u, 32u, 4096u}) {
    GgufWriter w(folder / "a.gguf");
    set_every_type(w);
    w.set("general.alignment", alignment);
    const std::vector<std::vector<int64_t>> shapes = {{256, 3}, {7}, {32, 2, 2, 2}, {}, {5, 1}};
    const std::vector<uint32_t> types = {12, 0, 8, 28, 24};
    for (size_t i = 0; i < shapes.size(); ++i) w.declare("t" + std::to_string(i), types[i], shapes[i]);
    const std::vector<size_t> bytes = {432, 28, 272, 8, 5};
    for (unsigned i = 0; i < bytes.size(); ++i) {
      const auto data = pattern(bytes[i], i);
      w.append(std::span(data).first(1));
      w.append(std::span(data).subspan(1));
    }
    const uint64_t promised = w.total_bytes();
    w.finish();
    EXPECT_EQ(std::filesystem::file_size(folder / "a.gguf"), promised);

    const GgufFile a = GgufFile::open(folder / "a.gguf");
    EXPECT_EQ(a.alignment(), alignment);
    GgufWriter copy(folder / "b.gguf");
    for (const MetadataEntry& e : a.metadata()) copy.set(e.key, e.value);
    for (const TensorInfo& t : a.tensors()) {
      copy.declare(t.name, t.type_id(), std::span(t.shape).first(static_cast<size_t>(t.rank)));
    }
    for (const TensorInfo& t : a.tensors()) {
      EXPECT_EQ(t.offset % alignment, 0u);
      copy.append(t.data);
    }
    copy.finish();
    EXPECT_EQ(test::read_bytes(folder / "a.gguf"), test::read_bytes(folder / "b.gguf"));
    for (unsigned i = 0; i < bytes.size(); ++i) {
      const auto data = pattern(bytes[i], i);
      EXPECT_TRUE(
          std::equal(data.begin(), data.end(), a.tensors()[i].data.begin(), a.tensors()[i].data.end()));
    }
  }
  EXPECT_THAT(folder.names(), ElementsAre("a.gguf", "b.gguf"));
}

TEST(GgufWriter, DataLargerThanTheBuffer) {
  TempFolder folder;
  const auto data = pattern(5'000'001, 3);
  const int64_t shape[] = {5'000'001};
  GgufWriter w(folder / "m.gguf");
  w.declare("t", 24, shape);
  for (size_t at = 0, piece = 1; at < data.size(); at += piece, piece = piece * 3 % 1'500'007 + 1) {
    piece = std::min(piece, data.size() - at);
    w.append(std::span(data).subspan(at, piece));
  }
  w.finish();
  const GgufFile f = GgufFile::open(folder / "m.gguf");
  EXPECT_TRUE(std::equal(data.begin(), data.end(), f.tensors()[0].data.begin(), f.tensors()[0].data.end()));
}

TEST(GgufWriter, MistakesOfTheCaller) {
  TempFolder folder;
  const int64_t row[] = {32}, zero[] = {32, 0}, five[] = {1, 1, 1, 1, 1}, huge[] = {int64_t{1} << 62, 4};
  GgufWriter w(folder / "m.gguf");
  w.declare("t", 8, row);
  EXPECT_THAT(error_of([&] { w.declare("t", 8, row); }), HasSubstr("tensor t: the name is there twice"));
  EXPECT_THAT(error_of([&] { w.declare("u", 99, row); }), HasSubstr("type id 99 is unknown"));
  EXPECT_THAT(error_of([&] { w.declare("u", 12, row); }), HasSubstr("no multiple of Q4_K's block"));
  EXPECT_THAT(error_of([&] { w.declare("u", 0, zero); }), HasSubstr("must be positive"));
  EXPECT_THAT(error_of([&] { w.declare("u", 0, five); }), HasSubstr("at most four dimensions"));
  EXPECT_THAT(error_of([&] { w.declare("u", 0, huge); }), HasSubstr("overflows"));
  EXPECT_THAT(error_of([&] { w.declare("", 0, row); }), HasSubstr("a name must have"));
  EXPECT_THAT(error_of([&] { w.set("", 1); }), HasSubstr("a metadata key must have"));
  EXPECT_THAT(error_of([&] { w.set("general.alignment", 12); }),
              HasSubstr("general.alignment: it must be a power"));
  EXPECT_THAT(error_of([&] {
                w.set("k", EncodedValue{GgufValueType::kUint32, std::vector<std::byte>(5)});
              }),
              HasSubstr("k: it has bytes past its end"));
  EXPECT_THAT(error_of([&] { w.append(pattern(35, 0)); }), HasSubstr("more data than its 34 bytes"));
  w.append(pattern(33, 0));
  EXPECT_THAT(error_of([&] { w.set("k", 1); }), HasSubstr("already written"));
  EXPECT_THAT(error_of([&] { w.finish(); }), HasSubstr("only 33 of its 34 bytes"));
  w.append(pattern(1, 0));
  EXPECT_THAT(error_of([&] { w.append(pattern(1, 0)); }),
              HasSubstr("more data than the declared tensors hold"));
  w.finish();
  EXPECT_EQ(GgufFile::open(folder / "m.gguf").tensors().size(), 1u);
}

TEST(GgufWriter, TheOldFileStaysUntilTheNewOneIsComplete) {
  TempFolder folder;
  const int64_t shape[] = {1 << 20};
  {
    GgufWriter old(folder / "m.gguf");
    old.set("general.name", "old");
    old.finish();
  }
  {
    GgufWriter w(folder / "m.gguf");
    w.declare("t", 24, shape);
    w.append(pattern(1 << 19, 0));
  }  // given up half way
  EXPECT_THAT(folder.names(), ElementsAre("m.gguf"));
  EXPECT_EQ(GgufFile::open(folder / "m.gguf").find_string("general.name"), "old");
}

TEST(GgufWriter, AKilledProcessLeavesTheOldFile) {
  TempFolder folder;
  {
    GgufWriter old(folder / "m.gguf");
    old.set("general.name", "old");
    old.finish();
  }
  const pid_t child = fork();
  if (child == 0) {
    const int64_t shape[] = {1 << 24};
    GgufWriter w(folder / "m.gguf");
    w.declare("t", 24, shape);
    w.append(pattern(1 << 23, 0));
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(GgufFile::open(folder / "m.gguf").find_string("general.name"), "old");
}

TEST(GgufWriter, ALinkKeepsPointingAtTheFile) {
  TempFolder folder;
  test::write_bytes(folder / "real.gguf", {});
  std::filesystem::create_symlink("real.gguf", folder / "link.gguf");
  GgufWriter w(folder / "link.gguf");
  w.set("k", 1);
  w.finish();
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link.gguf"));
  EXPECT_EQ(GgufFile::open(folder / "real.gguf").find_u64("k"), 1u);
}

TEST(GgufWriter, PlacesThatCannotBeWritten) {
  TempFolder folder;
  const auto write_to = [](const std::string& path) { return error_of([&] { GgufWriter(path).finish(); }); };
  EXPECT_THAT(write_to(folder / "none/m.gguf"), HasSubstr("cannot create it: No such file or directory"));
  EXPECT_THAT(write_to(folder.path()), HasSubstr("it is a directory"));
  EXPECT_THAT(write_to("/dev/null"), HasSubstr("not a regular file"));
  EXPECT_THAT(write_to(""), HasSubstr("its name is empty"));
}

// A limit on the size of files stands in for a full disk: the same calls fail at the same places.
TEST(GgufWriter, AFullDiskIsOneErrorAndLeavesNothing) {
  TempFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {1 << 16, 1 << 16};
    setrlimit(RLIMIT_FSIZE, &limit);
    const int64_t shape[] = {1 << 20};
    const std::string error = error_of([&] {
      GgufWriter w(folder / "m.gguf");
      w.declare("t", 24, shape);
      w.append(pattern(1 << 20, 0));
      w.finish();
    });
    const bool told = error.find(": File too large (") != std::string::npos;
    _exit(told && folder.names().empty() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace yoke
