// A trie over the bytes of the special tokens.
#include "text/special_tokens.h"

namespace yoke {
namespace {

uint64_t child_key(uint32_t node, char byte) {
  return static_cast<uint64_t>(node) << 8 | static_cast<uint8_t>(byte);
}

}  // namespace

void SpecialTokens::add(std::string_view text, int32_t id, bool control) {
  if (text.empty()) return;
  first_[static_cast<uint8_t>(text[0])] = true;
  uint32_t node = 0;
  for (const char byte : text) {
    const auto [found, added] =
        children_.try_emplace(child_key(node, byte), static_cast<uint32_t>(nodes_.size()));
    if (added) nodes_.emplace_back();
    node = found->second;
  }
  if (nodes_[node].id < 0) nodes_[node] = {id, control};
}

SpecialTokens::Found SpecialTokens::longest_at(std::string_view text, size_t at, size_t control_end) const {
  Found best{at, 0, -1};
  uint32_t node = 0;
  for (size_t i = at; i < text.size(); ++i) {
    const auto child = children_.find(child_key(node, text[i]));
    if (child == children_.end()) break;
    node = child->second;
    const Node& here = nodes_[node];
    if (here.id >= 0 && (!here.control || i < control_end)) best = {at, i + 1 - at, here.id};
  }
  return best;
}

std::vector<SpecialTokens::Found> SpecialTokens::find_all(std::string_view text,
                                                          std::span<const ByteRange> allowed) const {
  std::vector<Found> all;
  size_t range = 0;
  for (size_t at = 0; at < text.size();) {
    if (!first_[static_cast<uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    while (range < allowed.size() && allowed[range].end <= at) ++range;
    const bool inside = range < allowed.size() && allowed[range].begin <= at;
    const Found found = longest_at(text, at, inside ? allowed[range].end : 0);
    if (found.length == 0) {
      ++at;
      continue;
    }
    all.push_back(found);
    at += found.length;
  }
  return all;
}

}  // namespace yoke
