// libFuzzer: any bytes as a GGUF file, half of them made by the mutator that knows the format.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "fuzz/gguf_mutator.h"
#include "fuzz/gguf_seeds.h"
#include "fuzz/gguf_walk.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// The seeds are longer than libFuzzer's usual limit of 4 KiB.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  static std::vector<char*> arguments(*argv, *argv + *argc);
  static char max_length[] = "-max_len=131072";
  arguments.insert(arguments.begin() + 1, max_length);  // an option of the caller comes later and wins
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  yoke::test::try_gguf(std::as_bytes(std::span(data, size)),
                       [](const yoke::GgufFile& file) { yoke::test::walk_completely(file); });
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  // Now and then a fresh start from a valid file, so that a thin corpus does not matter.
  static const std::vector<yoke::test::GgufSeed> seeds = yoke::test::gguf_seeds();
  const bool fresh = seed % 32 == 1 || size == 0;
  const auto from = fresh ? std::span<const std::byte>(seeds[seed / 32 % seeds.size()].bytes)
                          : std::as_bytes(std::span(data, size));
  const std::vector<std::byte> file = yoke::test::GgufMutator(seed).mutate(from);
  const size_t bytes = std::min(file.size(), max_size);
  std::memcpy(data, file.data(), bytes);
  return bytes;
}
