// What the self-test found out about a device's kernels, kept in the user's cache folder for the next time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "devices/device.h"

namespace yoke {

struct Verdict {
  bool thorough = false;          // every size was tried
  std::vector<OpFormat> passed;   // what ran and was right
  std::vector<OpFormat> refused;  // what was wrong
};

// None where there is none for these kernels (DeviceInfo::kernels_id) and this version of the program, or
// what is there is damaged.
std::optional<Verdict> load_verdict(const std::string& kernels_id);

// Keeps it, whole or not at all. What an earlier thorough test refused stays refused until another thorough
// one. Returns why it could not be kept; the caller goes on without.
std::optional<std::string> save_verdict(const std::string& kernels_id, Verdict verdict);

}  // namespace yoke
