#include "fuzz/gguf_mutator.h"

#include <algorithm>
#include <cstring>

#include "gguf/byte_sink.h"
#include "gguf/encoded_value.h"
#include "gguf/gguf_type.h"

namespace yoke::test {
namespace {

using Kind = GgufFieldKind;

constexpr uint64_t kNumbers[] = {0,          1,
                                 2,          3,
                                 4,          7,
                                 8,          16,
                                 31,         32,
                                 33,         64,
                                 255,        256,
                                 257,        65535,
                                 65536,      (1ull << 20),
                                 0x7fffffff, 0x80000000,
                                 0xffffffff, 1ull << 32,
                                 1ull << 40, 1ull << 61,
                                 1ull << 62, (1ull << 63) - 1,
                                 1ull << 63, ~0ull};
constexpr size_t kMostBytes = 1 << 22;  // growth stops here

}  // namespace

std::vector<std::byte> GgufMutator::mutate(std::span<const std::byte> file) {
  file_.assign(file.begin(), file.end());
  history_.clear();
  const uint64_t changes = 1 + (chance(2) ? 0 : below(4));
  for (uint64_t i = 0; i < changes && !file_.empty(); ++i) {
    map_ = map_gguf(file_);
    mutate_once();
  }
  return std::move(file_);
}

void GgufMutator::mutate_once() {
  // Numbers come often: they decide how all the rest is read.
  switch (below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return change_number();
    case 5:
    case 6:
      return change_type();
    case 7:
    case 8:
      return change_text();
    case 9:
      return swap_numbers();
    case 10:
    case 11:
      return insert_or_remove_text();
    case 12:
      return repeat_range();
    case 13:
      return remove_range();
    case 14:
      return nest_array();
    case 15:
      return set_alignment();
    case 16:
      return cut_end();
    case 17:
      return grow();
    case 18:
      return flip_bits();
    default:
      return spoil_data();
  }
}

uint64_t GgufMutator::interesting_number(uint64_t old) {
  switch (below(6)) {
    case 0:
      return old + 1;
    case 1:
      return old - 1;
    case 2:
      return old ^ 1ull << below(64);
    case 3:
      return old * 2;
    case 4:
      return file_.size() - 16 + below(32);
    default:
      return kNumbers[below(std::size(kNumbers))];
  }
}

const GgufField* GgufMutator::pick(std::initializer_list<Kind> kinds) {
  std::vector<const GgufField*> all;
  for (const GgufField& f : map_.fields) {
    if (std::find(kinds.begin(), kinds.end(), f.kind) != kinds.end()) all.push_back(&f);
  }
  return all.empty() ? nullptr : all[below(all.size())];
}

uint64_t GgufMutator::read(const GgufField& field) const {
  uint64_t value = 0;
  std::memcpy(&value, file_.data() + field.begin, std::min<size_t>(field.bytes, 8));
  return value;
}

void GgufMutator::write(const GgufField& field, uint64_t value) {
  std::memcpy(file_.data() + field.begin, &value, std::min<size_t>(field.bytes, 8));
}

void GgufMutator::change_number() {
  // Each kind is as likely as the next, whatever their numbers.
  constexpr Kind kKinds[] = {Kind::kMagic,  Kind::kVersion,   Kind::kTensorCount, Kind::kEntryCount,
                             Kind::kLength, Kind::kScalar,    Kind::kScalar,      Kind::kArrayCount,
                             Kind::kRank,   Kind::kDimension, Kind::kDimension,   Kind::kOffset,
                             Kind::kOffset};
  const GgufField* field = pick({kKinds[below(std::size(kKinds))]});
  if (field == nullptr) return flip_bits();
  const uint64_t value = interesting_number(read(*field));
  note("number at " + std::to_string(field->begin) + " = " + std::to_string(value));
  write(*field, value);
}

void GgufMutator::change_type() {
  const GgufField* field = pick({chance(2) ? Kind::kValueType : Kind::kTensorType});
  if (field == nullptr) return change_number();
  const uint64_t types = field->kind == Kind::kValueType ? kGgufValueTypes : gguf_types().size();
  const uint64_t value = chance(8) ? interesting_number(read(*field)) : below(types + 1);
  note("type at " + std::to_string(field->begin) + " = " + std::to_string(value));
  write(*field, value);
}

void GgufMutator::change_text() {
  const GgufField* field = pick({Kind::kText});
  if (field == nullptr) return change_number();
  note("text at " + std::to_string(field->begin));
  if (chance(3)) {  // the text of another field, as far as it goes
    const GgufField* other = pick({Kind::kText});
    std::memmove(file_.data() + field->begin, file_.data() + other->begin,
                 std::min(field->bytes, other->bytes));
    return;
  }
  constexpr uint8_t kBytes[] = {0, '\n', 0x1b, ' ', '.', '%', '"', '\\', '9', 'a', 0x80, 0xc3, 0xed, 0xff};
  const uint64_t changes = 1 + below(3);
  for (uint64_t i = 0; i < changes; ++i) {
    file_[field->begin + below(field->bytes)] = static_cast<std::byte>(kBytes[below(std::size(kBytes))]);
  }
}

// Two fields of one kind change places: two offsets, two dimensions, two counts.
void GgufMutator::swap_numbers() {
  constexpr Kind kKinds[] = {Kind::kDimension, Kind::kOffset, Kind::kTensorType, Kind::kScalar,
                             Kind::kLength};
  const Kind kind = kKinds[below(std::size(kKinds))];
  const GgufField* a = pick({kind});
  const GgufField* b = pick({kind});
  if (a == nullptr || a->bytes != b->bytes) return change_number();
  note("numbers at " + std::to_string(a->begin) + " and " + std::to_string(b->begin) + " swapped");
  const uint64_t value = read(*a);
  write(*a, read(*b));
  write(*b, value);
}

// A string gets longer or shorter and says so.
void GgufMutator::insert_or_remove_text() {
  const GgufField* length = pick({Kind::kLength});
  if (length == nullptr) return flip_bits();
  const uint64_t old = std::min<uint64_t>(read(*length), file_.size() - length->begin - 8);
  const size_t text = length->begin + 8;
  if (old > 0 && chance(2)) {
    const uint64_t removed = 1 + below(chance(3) ? old : std::min<uint64_t>(old, 3));
    note(std::to_string(removed) + " bytes of text removed at " + std::to_string(text));
    write(*length, old - removed);
    return erase({text, text + removed});
  }
  const uint64_t added = 1 + below(chance(8) ? 70000 : 100);
  note(std::to_string(added) + " bytes of text added at " + std::to_string(text));
  write(*length, old + added);
  insert(text, std::vector<std::byte>(added, static_cast<std::byte>(random_())));
}

void GgufMutator::add_to_count(Kind count, int64_t change) {
  if (chance(4)) return;  // sometimes the count stays wrong
  const GgufField* field = pick({count});
  if (field != nullptr) write(*field, read(*field) + static_cast<uint64_t>(change));
}

void GgufMutator::repeat_range() {
  const bool entry = chance(2);
  const auto& ranges = entry ? map_.entries : map_.tensors;
  if (ranges.empty()) return grow();
  const GgufRange from = ranges[below(ranges.size())];
  const GgufRange to = ranges[below(ranges.size())];
  note("range " + std::to_string(from.begin) + " repeated at " + std::to_string(to.begin));
  add_to_count(entry ? Kind::kEntryCount : Kind::kTensorCount, 1);
  const std::vector<std::byte> copy(file_.begin() + static_cast<std::ptrdiff_t>(from.begin),
                                    file_.begin() + static_cast<std::ptrdiff_t>(from.end));
  insert(to.begin, copy);
  // Another key, so that it is more than a repetition.
  if (chance(2) && copy.size() > 9) file_[to.begin + 8] = static_cast<std::byte>('a' + below(26));
}

void GgufMutator::remove_range() {
  const bool entry = chance(2);
  const auto& ranges = entry ? map_.entries : map_.tensors;
  if (ranges.empty()) return cut_end();
  const GgufRange range = ranges[below(ranges.size())];
  note("range " + std::to_string(range.begin) + " removed");
  add_to_count(entry ? Kind::kEntryCount : Kind::kTensorCount, -1);
  erase(range);
}

// A new entry whose value is an array of arrays, a few or very many levels deep.
void GgufMutator::nest_array() {
  const uint64_t depth = chance(4) ? 1 + below(20000) : 1 + below(6);
  ByteSink sink;
  sink.text("nested." + std::to_string(below(1000)));
  sink.number<uint32_t>(9);
  for (uint64_t i = 1; i < depth; ++i) {
    sink.number<uint32_t>(9);
    sink.number<uint64_t>(chance(16) ? interesting_number(1) : 1);
  }
  sink.number<uint32_t>(static_cast<uint32_t>(below(13)));
  sink.number<uint64_t>(0);
  if (map_.fields.size() < 4) return grow();
  note("arrays nested " + std::to_string(depth) + " deep");
  add_to_count(Kind::kEntryCount, 1);
  insert(map_.entries.empty() ? 24 : map_.entries[below(map_.entries.size())].begin, sink.take());
}

void GgufMutator::set_alignment() {
  if (map_.fields.size() < 4) return grow();
  const auto alignment = static_cast<uint32_t>(chance(2) ? 1ull << below(32) : interesting_number(32));
  const EncodedValue value = EncodedValue::number(alignment);
  ByteSink sink;
  sink.text("general.alignment");
  sink.number(static_cast<uint32_t>(value.type));
  sink.bytes(value.bytes);
  note("alignment " + std::to_string(alignment));
  add_to_count(Kind::kEntryCount, 1);
  insert(24, sink.take());
}

void GgufMutator::cut_end() {
  const uint64_t left =
      chance(2) ? below(file_.size()) : file_.size() - 1 - below(std::min<size_t>(file_.size(), 64));
  note("cut to " + std::to_string(left) + " bytes");
  file_.resize(left);
}

void GgufMutator::grow() {
  const size_t at = below(file_.size() + 1);
  const uint64_t added = 1 + below(100);
  note(std::to_string(added) + " bytes inserted at " + std::to_string(at));
  std::vector<std::byte> bytes(added);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random_());
  insert(at, bytes);
}

void GgufMutator::flip_bits() {
  const size_t within = chance(4) || map_.header_end == 0 ? file_.size() : map_.header_end;
  const uint64_t flips = 1 + below(8);
  note(std::to_string(flips) + " bits flipped");
  for (uint64_t i = 0; i < flips; ++i) file_[below(within)] ^= static_cast<std::byte>(1u << below(8));
}

// Weights that are NaN, infinite or zero: the file stays valid.
void GgufMutator::spoil_data() {
  if (map_.header_end >= file_.size()) return flip_bits();
  const size_t begin = map_.header_end + below(file_.size() - map_.header_end);
  const size_t end = std::min(file_.size(), begin + 1 + below(256));
  const auto value = static_cast<std::byte>(chance(2) ? 0xff : chance(2) ? 0x7c : 0);
  note("data from " + std::to_string(begin) + " to " + std::to_string(end) + " spoilt");
  std::fill(file_.begin() + static_cast<std::ptrdiff_t>(begin),
            file_.begin() + static_cast<std::ptrdiff_t>(end), value);
}

void GgufMutator::insert(size_t at, std::span<const std::byte> bytes) {
  if (file_.size() + bytes.size() > kMostBytes) return;
  file_.insert(file_.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin(), bytes.end());
  if (at < map_.header_end)
    move_data(map_.header_end + bytes.size(), map_.data_start(map_.header_end) + bytes.size());
}

void GgufMutator::erase(GgufRange range) {
  const size_t bytes = range.end - range.begin;
  file_.erase(file_.begin() + static_cast<std::ptrdiff_t>(range.begin),
              file_.begin() + static_cast<std::ptrdiff_t>(range.end));
  if (range.end <= map_.header_end)
    move_data(map_.header_end - bytes, map_.data_start(map_.header_end) - bytes);
}

// The header has another length now: the padding after it is made to suit, mostly, so that the rest stays
// valid.
void GgufMutator::move_data(size_t header_end, size_t data) {
  if (chance(8) || data > file_.size()) return;
  const size_t wanted = map_.data_start(header_end);
  const auto at = file_.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, data));
  if (wanted > data) {
    file_.insert(at, wanted - data, std::byte{0});
  } else {
    file_.erase(at, at + static_cast<std::ptrdiff_t>(data - wanted));
  }
}

}  // namespace yoke::test
