#include "base/memory_node.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace yoke {

bool move_to_memory_node(const std::byte* begin, uint64_t bytes, int os_node) {
  constexpr int kNodes = 1024;
  constexpr int kWordBits = 8 * sizeof(unsigned long);
  if (os_node < 0 || os_node >= kNodes) return false;
  unsigned long mask[kNodes / kWordBits] = {};
  mask[os_node / kWordBits] |= 1ul << (os_node % kWordBits);
  // A page that two parts share goes with the first of them that asks.
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t first = (reinterpret_cast<uint64_t>(begin) + page - 1) / page * page;
  const uint64_t last = (reinterpret_cast<uint64_t>(begin) + bytes + page - 1) / page * page;
  if (first >= last) return true;
  return syscall(SYS_mbind, first, last - first, MPOL_BIND, mask, kNodes, MPOL_MF_MOVE) == 0;
}

}  // namespace yoke
