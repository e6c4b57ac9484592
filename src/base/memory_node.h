// Puts memory on one of the machine's memory nodes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace yoke {

// Moves the whole pages of [begin, begin + bytes) to the node (as the system numbers it) and keeps them
// there. A system that refuses leaves them where they are: false.
bool move_to_memory_node(const std::byte* begin, uint64_t bytes, int os_node);

}  // namespace yoke
