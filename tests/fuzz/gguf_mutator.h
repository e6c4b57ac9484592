// Changes GGUF files as damage and malice would, knowing what each byte of the header means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fuzz/gguf_map.h"

namespace yoke::test {

class GgufMutator {
 public:
  explicit GgufMutator(uint64_t seed) : random_(seed) {}

  // The file with one to four changes; what was done stands in history().
  std::vector<std::byte> mutate(std::span<const std::byte> file);
  const std::string& history() const { return history_; }

 private:
  void mutate_once();
  void change_number();
  void change_type();
  void change_text();
  void swap_numbers();
  void insert_or_remove_text();
  void repeat_range();
  void remove_range();
  void nest_array();
  void set_alignment();
  void cut_end();
  void grow();
  void flip_bits();
  void spoil_data();

  uint64_t below(uint64_t n) { return n == 0 ? 0 : random_() % n; }
  bool chance(uint64_t one_in) { return below(one_in) == 0; }
  uint64_t interesting_number(uint64_t old);
  // A random field of one of the kinds, or nullptr.
  const GgufField* pick(std::initializer_list<GgufFieldKind> kinds);
  uint64_t read(const GgufField& field) const;
  void write(const GgufField& field, uint64_t value);
  void add_to_count(GgufFieldKind count, int64_t change);
  void insert(size_t at, std::span<const std::byte> bytes);
  void erase(GgufRange range);
  void move_data(size_t header_end, size_t data);
  void note(const std::string& what) { history_ += (history_.empty() ? "" : ", ") + what; }

  std::mt19937_64 random_;
  std::vector<std::byte> file_;
  GgufMap map_;
  std::string history_;
};

}  // namespace yoke::test
