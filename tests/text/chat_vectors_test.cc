// Conversations over published chat templates, against what Jinja2 renders (see make_chat_vectors.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "text/chat.h"
#include "text/fixtures.h"

namespace yoke {
namespace {

using Json = nlohmann::ordered_json;

const Json& vectors() {
  static const Json data = Json::parse(read_file(test_data("chat_vectors.json")));
  return data;
}

const Json& case_of(const std::string& name) {
  for (const Json& one : vectors()["cases"]) {
    if (one["name"] == name) return one;
  }
  throw std::runtime_error("no case " + name);
}

std::vector<ChatMessage> messages_of(const Json& messages) {
  std::vector<ChatMessage> made;
  for (Json message : messages) {
    ChatMessage one;
    one.role = message["role"].get<std::string>();
    message.erase("role");
    if (message["content"].is_string()) {
      one.content = message["content"].get<std::string>();
      message.erase("content");
    }
    if (!message.empty()) one.more_json = message.dump();
    made.push_back(std::move(one));
  }
  return made;
}

ChatOptions options_of(const Json& variables) {
  ChatOptions options;
  options.bos_token = vectors()["special"]["bos_token"].get<std::string>();
  options.eos_token = vectors()["special"]["eos_token"].get<std::string>();
  std::tm now{};
  now.tm_year = 124, now.tm_mon = 6, now.tm_mday = 26, now.tm_hour = 13, now.tm_min = 5, now.tm_sec = 9;
  now.tm_wday = 5, now.tm_yday = 207;
  options.now = now;
  for (const auto& [name, value] : variables.items()) {
    if (name == "add_generation_prompt") {
      options.add_generation_prompt = value.get<bool>();
    } else {
      options.variables[name] = value.dump();
    }
  }
  return options;
}

std::string joined(const std::vector<TextSegment>& segments) {
  std::string text;
  for (const TextSegment& segment : segments) text += segment.text;
  return text;
}

// Empty: the template's text is not here.
std::string source_of(const Json& entry) {
  const auto name = entry["template"].get<std::string>();
  const auto path = entry["own"].get<bool>() ? test_data(name) : shared_fixtures() / "chat_templates" / name;
  return std::filesystem::exists(path) ? read_file(path) : std::string();
}

void expect_result(const std::string& source, const Json& result) {
  const Json& one = case_of(result["case"].get<std::string>());
  const auto messages = messages_of(one["messages"]);
  const ChatOptions options = options_of(one["variables"]);
  try {
    const std::string text = joined(render_chat(source, messages, options));
    ASSERT_TRUE(result.contains("output")) << "should have failed: " << result.dump() << "\ngot: " << text;
    EXPECT_EQ(text, result["output"].get<std::string>());
  } catch (const Error& error) {
    if (result.contains("raised")) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_EQ(std::string(error.what()),
                "applying the chat template: " + result["raised"].get<std::string>());
    } else {
      EXPECT_TRUE(result.contains("error")) << error.what();
      EXPECT_EQ(error.kind(), ErrorKind::kBadFile);
    }
  }
}

TEST(ChatVectors, OwnTemplates) {
  size_t templates = 0;
  for (const Json& entry : vectors()["templates"]) {
    if (!entry["own"].get<bool>()) continue;
    const std::string source = source_of(entry);
    ASSERT_FALSE(source.empty()) << entry["template"];
    for (const Json& result : entry["results"]) {
      SCOPED_TRACE(entry["template"].get<std::string>() + ": " + result["case"].get<std::string>());
      expect_result(source, result);
    }
    ++templates;
  }
  EXPECT_GE(templates, 2u);
}

TEST(ChatVectors, PublishedTemplates) {
  std::string missing;
  for (const Json& entry : vectors()["templates"]) {
    if (entry["own"].get<bool>()) continue;
    const std::string source = source_of(entry);
    if (source.empty()) {
      missing += " " + entry["template"].get<std::string>();
      continue;
    }
    for (const Json& result : entry["results"]) {
      SCOPED_TRACE(entry["template"].get<std::string>() + ": " + result["case"].get<std::string>());
      expect_result(source, result);
    }
  }
  if (!missing.empty()) GTEST_SKIP() << "not in ../shared/fixtures/chat_templates:" << missing;
}

// Private-use characters stand for everything that people wrote, apart from roles and names of fields, which
// templates compare.
void mark(Json& value, const std::string& key) {
  const std::set<std::string> kept = {"role", "type", "name"};
  if (value.is_string() && !kept.contains(key)) {
    value = std::string("\xEE\x80\x81\xEE\x80\x82");  // U+E001 U+E002
  } else if (value.is_structured()) {
    for (auto& [inner, item] : value.items()) mark(item, value.is_object() ? inner : key);
  }
}

TEST(ChatVectors, WhoWroteWhatIsKnownInEveryTemplate) {
  const std::string marker = "\xEE\x80";
  size_t rendered = 0, marked = 0;
  for (const Json& entry : vectors()["templates"]) {
    const std::string source = source_of(entry);
    if (source.empty()) continue;
    for (const Json& one : vectors()["cases"]) {
      Json messages = one["messages"], variables = one["variables"];
      mark(messages, "");
      mark(variables, "");
      std::vector<TextSegment> segments;
      try {
        segments = render_chat(source, messages_of(messages), options_of(variables));
      } catch (const Error&) {
        continue;
      }
      ++rendered;
      for (const TextSegment& segment : segments) {
        SCOPED_TRACE(entry["template"].get<std::string>() + ": " + one["name"].get<std::string>());
        if (segment.parse_special) {
          EXPECT_EQ(segment.text.find(marker), std::string::npos) << segment.text;
        } else {
          marked += segment.text.find(marker) != std::string::npos;
          EXPECT_EQ(segment.text.find("<|"), std::string::npos) << segment.text;
        }
      }
    }
  }
  EXPECT_GT(rendered, 30u);
  EXPECT_GT(marked, 60u);
}

}  // namespace
}  // namespace yoke
