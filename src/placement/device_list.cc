#include "placement/device_list.h"

#include <algorithm>

#include "base/error.h"
#include "placement/machine.h"

namespace yoke {
namespace {

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> names(1);
  for (const char c : list) {
    if (c == ',') {
      names.emplace_back();
    } else if (c != ' ') {
      names.back() += c;
    }
  }
  return names;
}

}  // namespace

std::vector<std::string> choose_devices(const std::string& list, std::span<const DeviceInfo> available) {
  std::vector<std::string> names;
  if (list.empty()) {
    for (const DeviceInfo& info : available) {
      if (!is_host(info.kind) && !info.software) names.push_back(info.name);
    }
  } else {
    names = split(list);
  }
  for (const std::string& name : names) {
    if (std::ranges::any_of(available, [&](const DeviceInfo& info) { return info.name == name; })) continue;
    std::string known;
    for (const DeviceInfo& info : available) known += (known.empty() ? "" : ", ") + info.name;
    fail(ErrorKind::kUsage, "reading --devices",
         "there is no device \"" + name + "\" (there are " + known + ")");
  }
  const auto host = [](const std::string& name) { return is_host(device_kind(name)); };
  if (std::ranges::none_of(names, host)) names.push_back("cpu");
  std::stable_partition(names.begin(), names.end(), [&](const std::string& name) { return !host(name); });
  return names;
}

}  // namespace yoke
