// Small templates, hand-written and random, against what Jinja2 renders (see make_jinja_vectors.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/fixtures.h"
#include "text/jinja/json.h"
#include "text/jinja/template.h"

namespace yoke {
namespace {

using Json = nlohmann::ordered_json;

TEST(JinjaVectors, LikeJinja2) {
  const Json data = Json::parse(read_file(test_data("jinja_vectors.json")));
  std::vector<std::pair<std::string, jinja::Value>> variables;
  for (const auto& [name, value] : data["variables"].items()) {
    variables.emplace_back(name, jinja::parse_json(value.dump()));
  }
  std::tm now{};
  now.tm_year = 124, now.tm_mon = 6, now.tm_mday = 26, now.tm_hour = 13, now.tm_min = 5, now.tm_sec = 9;
  now.tm_wday = 5, now.tm_yday = 207;
  ASSERT_GT(data["vectors"].size(), 900u);
  for (const Json& vector : data["vectors"]) {
    const auto source = vector["template"].get<std::string>();
    SCOPED_TRACE(source);
    try {
      const auto text = jinja::Template::parse(source).render(variables, {}, now).bytes();
      ASSERT_TRUE(vector.contains("output")) << "should have failed: " << vector.dump() << "\ngot: " << text;
      EXPECT_EQ(text, vector["output"].get<std::string>());
    } catch (const Error& error) {
      ASSERT_FALSE(vector.contains("output")) << error.what();
      EXPECT_EQ(error.kind(), vector.contains("raised") ? ErrorKind::kUsage : ErrorKind::kBadFile);
    }
  }
}

}  // namespace
}  // namespace yoke
