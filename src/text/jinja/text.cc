// Two strings of one length: the bytes and who wrote them.
#include "text/jinja/text.h"

#include <algorithm>

#include "text/utf8.h"

namespace yoke::jinja {

Text Text::by_template(std::string_view bytes) {
  Text text;
  text.append_marked(bytes, false);
  return text;
}

Text Text::by_people(std::string_view bytes) {
  Text text;
  text.append_marked(bytes, true);
  return text;
}

void Text::append(const Text& other) {
  bytes_ += other.bytes_;
  people_ += other.people_;
}

void Text::append(const Text& other, size_t begin, size_t count) {
  bytes_.append(other.bytes_, begin, count);
  people_.append(other.people_, begin, count);
}

void Text::append_template(std::string_view bytes) {
  append_marked(bytes, false);
}

void Text::append_marked(std::string_view bytes, bool people) {
  bytes_ += bytes;
  people_.append(bytes.size(), people ? '\1' : '\0');
}

Text Text::slice(size_t begin, size_t count) const {
  Text out;
  out.append(*this, begin, count);
  return out;
}

size_t Text::character_size(size_t at) const {
  return std::max<size_t>(utf8_length(bytes_, at), 1);
}

std::vector<size_t> Text::character_offsets() const {
  std::vector<size_t> offsets;
  offsets.reserve(bytes_.size() + 1);
  for (size_t at = 0; at < bytes_.size(); at += character_size(at)) offsets.push_back(at);
  offsets.push_back(bytes_.size());
  return offsets;
}

size_t Text::length() const {
  size_t count = 0;
  for (size_t at = 0; at < bytes_.size(); at += character_size(at)) ++count;
  return count;
}

}  // namespace yoke::jinja
