// Finds special tokens in text: at each place the longest one that is allowed there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace yoke {

// Bytes of the text in which control tokens may be found; ascending, not touching.
struct ByteRange {
  size_t begin, end;
};

class SpecialTokens {
 public:
  struct Found {
    size_t begin, length;
    int32_t id;
  };

  // control: found only inside the allowed ranges.
  void add(std::string_view text, int32_t id, bool control);

  std::vector<Found> find_all(std::string_view text, std::span<const ByteRange> allowed) const;

 private:
  struct Node {
    int32_t id = -1;
    bool control = false;
  };
  Found longest_at(std::string_view text, size_t at, size_t control_end) const;

  std::array<bool, 256> first_{};
  std::vector<Node> nodes_{1};
  std::unordered_map<uint64_t, uint32_t> children_;  // node << 8 | byte -> node
};

}  // namespace yoke
