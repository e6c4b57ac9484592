// How much memory this process may still take.
#pragma once

#include <cstdint>
#include <filesystem>

namespace yoke {

// The least of what the kernel calls available and what the control group (version 2 or 1, and its parents)
// leaves; page cache that can be dropped counts as available. 0: not known. `root`: "/" outside of tests.
uint64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace yoke
