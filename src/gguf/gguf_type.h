// Every tensor type that a GGUF file may name: its id, its name and the size of its blocks.
#pragma once

#include <cstdint>
#include <span>

namespace yoke {

// Values lie in blocks of block_values along a row; a row is a whole number of blocks.
struct GgufType {
  const char* name;
  uint32_t id;
  uint32_t block_values;
  uint32_t block_bytes;
  bool removed = false;  // once in use, no longer written by anyone; still shown by inspect
};

// nullptr for an id that the format does not define.
const GgufType* find_gguf_type(uint32_t id);

// In order of id.
std::span<const GgufType> gguf_types();

}  // namespace yoke
