// A string that knows of each of its bytes whether the template wrote it or people did.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace yoke::jinja {

// Bytes that are not UTF-8 are kept, each counts as one character.
class Text {
 public:
  Text() = default;
  static Text by_template(std::string_view bytes);
  static Text by_people(std::string_view bytes);

  const std::string& bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  bool by_people_at(size_t byte) const { return people_[byte] != 0; }
  bool any_by_people() const { return people_.find('\1') != std::string::npos; }

  void append(const Text& other);
  void append(const Text& other, size_t begin, size_t count);
  void append_template(std::string_view bytes);
  void append_marked(std::string_view bytes, bool people);

  Text slice(size_t begin, size_t count = std::string::npos) const;
  // The bytes of the character that begins at `at`.
  size_t character_size(size_t at) const;
  // Where each character begins, and the end.
  std::vector<size_t> character_offsets() const;
  size_t length() const;  // in characters

  // Only the bytes count, not who wrote them.
  bool operator==(const Text& other) const { return bytes_ == other.bytes_; }

 private:
  std::string bytes_;
  std::string people_;  // [bytes_.size()]: 1 where people wrote the byte
};

}  // namespace yoke::jinja
