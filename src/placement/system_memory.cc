#include "placement/system_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace yoke {
namespace {

std::optional<uint64_t> read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;  // "max" is no number: no limit
  return value;
}

std::optional<uint64_t> named_number(const std::filesystem::path& path, const std::string& key) {
  std::ifstream file(path);
  std::string word;
  while (file >> word) {
    uint64_t value = 0;
    if (word == key && file >> value) return value;
  }
  return std::nullopt;
}

// What one control group leaves: its limit less what it uses, not counting file pages that can be dropped.
std::optional<uint64_t> left(const std::filesystem::path& group, const char* limit_file,
                             const char* usage_file, const char* droppable) {
  const auto limit = read_number(group / limit_file);
  const auto usage = read_number(group / usage_file);
  // Version 1 says "no limit" by a number near 2^63.
  if (!limit || !usage || *limit >= (uint64_t{1} << 62)) return std::nullopt;
  const uint64_t cache = std::min(*usage, named_number(group / "memory.stat", droppable).value_or(0));
  const uint64_t held = *usage - cache;
  return *limit > held ? *limit - held : 0;
}

// The group of this process below its hierarchy's root: "0::/a/b" (version 2) or "4:memory:/a/b" (version 1).
std::string group_path(const std::filesystem::path& root, const std::string& controller) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (line.substr(first + 1, second - first - 1) != controller) continue;
    const size_t name = line.find_first_not_of('/', second + 1);
    return name == std::string::npos ? "" : line.substr(name);
  }
  return "";
}

void take_least(uint64_t& least, std::optional<uint64_t> value) {
  if (value && (least == 0 || *value < least)) least = std::max<uint64_t>(*value, 1);
}

}  // namespace

uint64_t available_memory(const std::filesystem::path& root) {
  uint64_t least = 0;
  if (const auto kilobytes = named_number(root / "proc/meminfo", "MemAvailable:")) least = *kilobytes * 1024;
  const auto walk = [&](const std::filesystem::path& base, const std::string& controller, const char* limit,
                        const char* usage, const char* droppable) {
    // Inside a container the path may be the host's; then only the mount's own root is there.
    std::filesystem::path group = group_path(root, controller);
    while (true) {
      take_least(least, left(base / group, limit, usage, droppable));
      if (group.empty()) break;
      group = group.parent_path();
    }
  };
  walk(root / "sys/fs/cgroup", "", "memory.max", "memory.current", "inactive_file");
  walk(root / "sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
       "total_inactive_file");
  return least;
}

}  // namespace yoke
