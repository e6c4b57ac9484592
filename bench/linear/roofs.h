// What this core can do at most: int8 dot products and reads from memory, measured, not looked up.
#pragma once

#include <cstdint>
#include <span>

namespace yoke::bench {

// Seconds of CPU this thread has used: other work on the machine does not count.
double thread_seconds();

// Operations (2 per multiply-add) a second of the widest int8 dot product this CPU has; its name.
struct Peak {
  double gops;
  const char* instruction;
};
Peak int8_peak();

// GB/s of one thread reading `bytes` once through.
double read_bandwidth(std::span<const uint8_t> bytes);

}  // namespace yoke::bench
