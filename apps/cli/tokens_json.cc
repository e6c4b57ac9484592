#include "tokens_json.h"

#include <sstream>

#include "base/error.h"
#include "command.h"

namespace yoke::cli {
namespace {

std::vector<int32_t> from_json(const std::string& path, const Json& list) {
  std::vector<int32_t> ids;
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > INT32_MAX)
      fail(ErrorKind::kBadFile, "reading " + path,
           "tokens: entry " + std::to_string(ids.size()) + " is no token id");
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

// Behind a tab is the token's text, for people.
std::vector<int32_t> from_words(const std::string& path, const std::string& text) {
  std::istringstream lines(text);
  std::vector<int32_t> ids;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('\t')));
    int32_t id = 0;
    while (words >> id) ids.push_back(id);
    if (!words.eof()) {
      fail(ErrorKind::kBadFile, "reading " + path, "entry " + std::to_string(ids.size()) + " is no token id");
    }
  }
  return ids;
}

}  // namespace

std::vector<int32_t> read_tokens(const std::string& path) {
  const std::string text = read_text_file(path);
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || (text[first] != '{' && text[first] != '[')) return from_words(path, text);
  const Json document = Json::parse(text, nullptr, false);
  if (document.is_array()) return from_json(path, document);
  if (document.is_object() && document.contains("tokens") && document["tokens"].is_array())
    return from_json(path, document["tokens"]);
  fail(ErrorKind::kBadFile, "reading " + path, "neither {\"tokens\": [...]} nor a list of token ids");
}

void check_tokens(std::span<const int32_t> ids, int64_t vocabulary, const std::string& path) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocabulary) continue;
    fail(ErrorKind::kBadFile, "reading " + path,
         "entry " + std::to_string(i) + ": token " + std::to_string(ids[i]) + " is out of range (" +
             std::to_string(vocabulary) + " tokens)");
  }
}

}  // namespace yoke::cli
