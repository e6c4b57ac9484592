#include "gguf/split.h"

#include <cstdio>
#include <string_view>

#include "base/error.h"
#include "gguf/printable.h"

namespace yoke {
namespace {

constexpr size_t kDigits = 5;
constexpr std::string_view kExtension = ".gguf";
constexpr std::string_view kOf = "-of-";

std::optional<uint64_t> number_of(std::string_view digits) {
  uint64_t n = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    n = n * 10 + static_cast<uint64_t>(c - '0');
  }
  return n;
}

std::optional<uint64_t> find_count(const Metadata& metadata, const std::string& path, const char* key) {
  const GgufValue* value = metadata.find(key);
  if (value == nullptr) return std::nullopt;
  const auto n = value->as_u64();
  if (!n) {
    fail(ErrorKind::kBadFile, "reading " + printable(path, 400),
         std::string(key) + ": it is not an unsigned integer but a " + name_of(value->type()) +
             " (fetch or split the model again)");
  }
  return n;
}

}  // namespace

std::optional<SplitName> SplitName::parse(const std::string& path) {
  constexpr size_t kTail = 1 + kDigits + kOf.size() + kDigits + kExtension.size();
  if (path.size() <= kTail) return std::nullopt;
  const std::string_view tail = std::string_view(path).substr(path.size() - kTail);
  const auto number = number_of(tail.substr(1, kDigits));
  const auto count = number_of(tail.substr(1 + kDigits + kOf.size(), kDigits));
  const bool fits =
      tail[0] == '-' && tail.substr(1 + kDigits, kOf.size()) == kOf && tail.ends_with(kExtension);
  if (!fits || !number || !count || *number == 0 || *number > *count) return std::nullopt;
  return SplitName{path.substr(0, path.size() - kTail), *number, *count};
}

std::string SplitName::path_of(uint64_t shard_number) const {
  char tail[64];
  std::snprintf(tail, sizeof tail, "-%05u-of-%05u", static_cast<unsigned>(shard_number),
                static_cast<unsigned>(count));
  return prefix + tail + std::string(kExtension);
}

SplitPlace split_place(const Metadata& metadata, const std::string& path) {
  SplitPlace place;
  place.count = find_count(metadata, path, "split.count").value_or(1);
  place.index = find_count(metadata, path, "split.no").value_or(0);
  place.total_tensors = find_count(metadata, path, "split.tensors.count");
  if (place.count == 0) place.count = 1;
  if (place.index >= place.count) {
    fail(ErrorKind::kBadFile, "reading " + printable(path, 400),
         "split.no: " + std::to_string(place.index) + " is not below split.count " +
             std::to_string(place.count) + " (fetch or split the model again)");
  }
  return place;
}

}  // namespace yoke
