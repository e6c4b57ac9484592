#include "gguf/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "gguf/gguf_writer.h"
#include "gguf/printable.h"
#include "support/temp_folder.h"

namespace yoke {
namespace {

using test::TempFolder;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Printable, HidesWhatCouldHarmATerminal) {
  EXPECT_EQ(printable("plain grün 模型"), "plain grün 模型");
  EXPECT_EQ(printable("a\nb\x1b[2J\x7f"), R"(a\x0ab\x1b[2J\x7f)");
  EXPECT_EQ(printable("\xff\xc3"), R"(\xff\xc3)");
  EXPECT_EQ(printable("\xed\xa0\x80"), R"(\xed\xa0\x80)");  // a surrogate
  EXPECT_EQ(printable("\xc0\xaf\xf5"), R"(\xc0\xaf\xf5)");  // overlong, too large
  EXPECT_EQ(printable("\xe2\x80\xae"), R"(\xe2\x80\xae)");  // turns the direction around
  EXPECT_EQ(printable("back\\slash"), R"(back\x5cslash)");
  EXPECT_EQ(printable(std::string(81, 'x')), std::string(80, 'x') + "...");
  EXPECT_EQ(printable("ab\n", 4), "ab...");
  EXPECT_EQ(valid_utf8("a\xff\n模"), "a\xef\xbf\xbd\n模");
}

class Inspect : public ::testing::Test {
 protected:
  Inspect() {
    GgufWriter w(path_);
    w.set("general.architecture", "llama");
    w.set("escape", "\x1b[31m\xff");
    w.set("nan", std::nanf(""));
    w.set("epsilon", 1e-5f);
    w.set("minus", int32_t{-5});
    w.set("yes", true);
    std::vector<uint16_t> many(100);
    for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<uint16_t>(i);
    w.set("many", EncodedValue::numbers(many));
    const EncodedValue rows[] = {EncodedValue::numbers(std::vector{1.5f}),
                                 EncodedValue::texts(std::vector<std::string>{"x"})};
    w.set("rows", EncodedValue::array(GgufValueType::kArray, rows));
    // One tensor of every type that the format knows.
    for (const GgufType& t : gguf_types()) {
      const int64_t shape[] = {256, 2};
      w.declare(std::string("w.") + t.name, t.id, shape);
    }
    for (const GgufType& t : gguf_types())
      w.append(std::vector<std::byte>(512 / t.block_values * t.block_bytes));
    w.finish();
  }

  TempFolder folder_;
  std::string path_ = folder_ / "m.gguf";
};

TEST_F(Inspect, Json) {
  const GgufFile file = GgufFile::open(path_);
  const auto json = inspect_json(file);
  EXPECT_EQ(json["version"], 3);
  EXPECT_EQ(json["bytes"], file.total_bytes());
  EXPECT_EQ(json["shards"].size(), 1u);
  const auto& metadata = json["metadata"];
  EXPECT_EQ(metadata[0].dump(), R"({"key":"general.architecture","type":"string","value":"llama"})");
  EXPECT_EQ(metadata[1]["value"], "\x1b[31m\xef\xbf\xbd");
  EXPECT_EQ(metadata[2].dump(), R"({"key":"nan","type":"float32","value":"nan"})");
  EXPECT_EQ(metadata[3].dump(), R"({"key":"epsilon","type":"float32","value":1e-05})");
  EXPECT_EQ(metadata[4]["value"], -5);
  EXPECT_EQ(metadata[5]["value"], true);
  EXPECT_EQ(metadata[6].dump(),
            R"({"key":"many","type":"array","element_type":"uint16","count":100,"value":[0,1,2,3,4,5,6,7]})");
  EXPECT_EQ(metadata[7]["value"].dump(), R"([[1.5],["x"]])");
  ASSERT_EQ(json["tensors"].size(), gguf_types().size());
  const TensorInfo* t = file.find_tensor("w.Q4_K");
  const auto& shown = json["tensors"][12];
  EXPECT_EQ(shown["name"], "w.Q4_K");
  EXPECT_EQ(shown["type"], "Q4_K");
  EXPECT_EQ(shown["type_id"], 12);
  EXPECT_EQ(shown["shape"].dump(), "[256,2]");
  EXPECT_EQ(shown["offset"], t->offset);
  EXPECT_EQ(shown["bytes"], 288);
  EXPECT_EQ(json["types"].size(), gguf_types().size());
  EXPECT_EQ(json["values"], 512 * gguf_types().size());
}

TEST_F(Inspect, Text) {
  const std::string text = inspect_text(GgufFile::open(path_));
  EXPECT_THAT(text, HasSubstr("m.gguf: GGUF v3, "));
  EXPECT_THAT(text, HasSubstr(R"("\x1b[31m\xff")"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("uint16[100]  [0, 1, 2, 3, 4, 5, 6, 7, ...]"));
  EXPECT_THAT(text, HasSubstr("w.IQ4_NL_4_4"));
  EXPECT_THAT(text, HasSubstr("[256, 2]"));
  EXPECT_EQ(text.back(), '\n');
}

TEST_F(Inspect, AllOfAnArrayOnDemand) {
  EXPECT_EQ(inspect_json(GgufFile::open(path_), {.array_elements = 1000})["metadata"][6]["value"].size(),
            100u);
}

}  // namespace
}  // namespace yoke
