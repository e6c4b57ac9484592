#include "gguf/header.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "gguf/byte_reader.h"
#include "gguf/printable.h"

namespace yoke {
namespace {

constexpr uint32_t kOldestVersion = 2;
constexpr uint32_t kNewestVersion = 3;
constexpr int kMaxRank = 4;
// The fewest bytes of an entry: length, one character, type, a value of one byte; and length, one character,
// rank, type, offset.
constexpr size_t kLeastMetadataBytes = 8 + 1 + 4 + 1;
constexpr size_t kLeastTensorBytes = 8 + 1 + 4 + 4 + 8;
constexpr const char* kDamaged = " (the file is truncated or damaged; fetch it again)";

std::string count_of(uint64_t n, const char* what) {
  return std::to_string(n) + " " + what;
}

class HeaderParser {
 public:
  HeaderParser(std::span<const std::byte> bytes, const std::string& path)
      : file_bytes_(bytes.size()), bytes_(bytes), reader_(bytes), path_(path) {}

  GgufHeader parse() {
    try {
      read_all();
    } catch (const Malformed& m) {
      wrong(m.what + kDamaged);
    }
    return std::move(header_);
  }

 private:
  void read_all() {
    read_magic_and_version();
    where_ = "tensor count";
    const uint64_t tensors = reader_.take<uint64_t>();
    where_ = "metadata count";
    const uint64_t entries = reader_.take<uint64_t>();
    check_count("metadata count", entries, kLeastMetadataBytes);
    check_count("tensor count", tensors, kLeastTensorBytes);
    for (uint64_t i = 0; i < entries; ++i) read_metadata(i);
    read_alignment();
    check_count("tensor count", tensors, kLeastTensorBytes);
    for (uint64_t i = 0; i < tensors; ++i) read_tensor(i);
    place_tensors();
    check_overlaps();
  }

  [[noreturn]] void wrong(const std::string& what) const {
    fail(ErrorKind::kBadFile, "reading " + printable(path_, 400), where_ + ": " + what);
  }

  void check_count(const char* field, uint64_t count, size_t least_bytes) {
    where_ = field;
    if (count > reader_.remaining() / least_bytes) {
      wrong(std::to_string(count) + " cannot fit into the " +
            count_of(reader_.remaining(), "bytes that follow") + kDamaged);
    }
  }

  void read_magic_and_version() {
    where_ = "magic";
    const auto magic = reader_.take_bytes(4);
    const std::string_view text(reinterpret_cast<const char*>(magic.data()), 4);
    if (text == "FUGG") wrong("the file is big-endian (convert it to little-endian)");
    if (text != "GGUF") wrong(not_gguf(text));
    where_ = "version";
    header_.version = reader_.take<uint32_t>();
    const uint32_t v = header_.version;
    if (v != 0 && (v & 0xffff) == 0) wrong("the file is big-endian (convert it to little-endian)");
    if (v < kOldestVersion || v > kNewestVersion) {
      wrong(std::to_string(v) +
            " is not supported (2 and 3 are; convert the model again with a current tool)");
    }
  }

  std::string not_gguf(std::string_view magic) const {
    const std::string_view start(reinterpret_cast<const char*>(bytes_.data()),
                                 std::min<size_t>(file_bytes_, 40));
    if (start.starts_with("version https://git-lfs")) {
      return "this is a Git LFS pointer, not the file itself (run git lfs pull)";
    }
    if (start.starts_with("<!") || start.starts_with("<htm")) {
      return "this is a web page, not a model (fetch the file itself)";
    }
    return "the first bytes are \"" + printable(magic) +
           "\", not \"GGUF\" (it is not a GGUF file; convert the model)";
  }

  void read_metadata(uint64_t i) {
    where_ = "metadata " + std::to_string(i);
    const std::string_view key = reader_.take_string();
    if (key.empty()) wrong(std::string("its key is empty") + kDamaged);
    if (key.size() > kMaxKeyBytes) {
      wrong("its key has " + count_of(key.size(), "bytes, at most 65535 are allowed") + kDamaged);
    }
    where_ += " (" + printable(key) + ")";
    const GgufValueType type = take_value_type(reader_);
    const size_t begin = reader_.position();
    skip_value(reader_, type);
    const GgufValue value(type, bytes_.subspan(begin, reader_.position() - begin));
    if (!header_.metadata.add(std::string(key), value))
      wrong(std::string("the key is there twice") + kDamaged);
  }

  void read_alignment() {
    where_ = "general.alignment";
    header_.alignment = kDefaultGgufAlignment;
    const GgufValue* value = header_.metadata.find("general.alignment");
    if (value == nullptr) return;
    const auto alignment = value->as_u64();
    if (!alignment)
      wrong(std::string("it is not an unsigned integer but a ") + name_of(value->type()) + kDamaged);
    if (!std::has_single_bit(*alignment) || *alignment < 8 || *alignment > kMaxGgufAlignment) {
      wrong(std::to_string(*alignment) + " is not a power of two from 8 to 2^30" + kDamaged);
    }
    header_.alignment = *alignment;
  }

  void name_tensor(uint64_t i, std::string_view name) {
    where_ = "tensor " + std::to_string(i) + " (" + printable(name) + ")";
  }

  void read_tensor(uint64_t i) {
    TensorInfo t;
    where_ = "tensor " + std::to_string(i);
    const std::string_view name = reader_.take_string();
    if (name.empty()) wrong(std::string("its name is empty") + kDamaged);
    if (name.size() > kMaxTensorNameBytes) {
      wrong("its name has " + count_of(name.size(), "bytes, at most 1024 are allowed") + kDamaged);
    }
    name_tensor(i, name);
    t.name = name;
    if (!names_.insert(t.name).second) wrong(std::string("the name is there twice") + kDamaged);
    read_shape(t);
    read_type(t);
    t.offset = reader_.take<uint64_t>();
    if (t.offset % header_.alignment != 0) {
      wrong("offset " + std::to_string(t.offset) + " is not a multiple of " +
            std::to_string(header_.alignment) + kDamaged);
    }
    header_.tensors.push_back(std::move(t));
  }

  void read_shape(TensorInfo& t) {
    const auto rank = reader_.take<uint32_t>();
    if (rank > kMaxRank) wrong(count_of(rank, "dimensions, at most 4 are allowed") + kDamaged);
    t.rank = static_cast<int>(rank);
    for (uint32_t d = 0; d < rank; ++d) {
      const auto n = reader_.take<uint64_t>();
      if (n == 0 || n > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        wrong("dimension " + std::to_string(d) + " is " + std::to_string(n) + kDamaged);
      }
      t.shape[d] = static_cast<int64_t>(n);
    }
  }

  void read_type(TensorInfo& t) {
    const auto id = reader_.take<uint32_t>();
    t.type = find_gguf_type(id);
    if (t.type == nullptr) {
      wrong("type id " + std::to_string(id) +
            " is unknown (the file is damaged, or its type is newer than this program; " +
            "convert the model to a known type)");
    }
    std::string why;
    const auto bytes = tensor_bytes(*t.type, t.shape, &why);
    if (!bytes) wrong(why + kDamaged);
    t.bytes = *bytes;
  }

  // The file's offsets count from the aligned end of the header.
  void place_tensors() {
    const uint64_t alignment = header_.alignment;
    header_.data_start = (reader_.position() + alignment - 1) / alignment * alignment;
    for (size_t i = 0; i < header_.tensors.size(); ++i) {
      TensorInfo& t = header_.tensors[i];
      name_tensor(i, t.name);
      const uint64_t available = file_bytes_ - std::min<uint64_t>(file_bytes_, header_.data_start);
      if (t.offset > available || t.bytes > available - t.offset) {
        wrong("its " + count_of(t.bytes, "bytes at offset ") + std::to_string(t.offset) + " go past the " +
              count_of(available, "bytes of data that the file has") + kDamaged);
      }
      t.offset += header_.data_start;
      t.data = bytes_.subspan(t.offset, t.bytes);
    }
  }

  void check_overlaps() {
    std::vector<size_t> order(header_.tensors.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto& tensors = header_.tensors;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::pair(tensors[a].offset, a) < std::pair(tensors[b].offset, b);
    });
    for (size_t i = 1; i < order.size(); ++i) {
      const TensorInfo& before = tensors[order[i - 1]];
      const TensorInfo& t = tensors[order[i]];
      if (t.offset >= before.offset + before.bytes) continue;
      name_tensor(order[i], t.name);
      wrong("its data overlap those of " + printable(before.name) + kDamaged);
    }
  }

  uint64_t file_bytes_;
  std::span<const std::byte> bytes_;
  ByteReader reader_;
  const std::string& path_;
  std::string where_;  // the field at hand, for messages
  std::unordered_set<std::string> names_;
  GgufHeader header_;
};

}  // namespace

const GgufValue* Metadata::find(std::string_view key) const {
  const auto at = index_.find(std::string(key));
  return at == index_.end() ? nullptr : &entries_[at->second].value;
}

bool Metadata::add(std::string key, GgufValue value) {
  if (!index_.emplace(key, entries_.size()).second) return false;
  entries_.push_back({std::move(key), value});
  return true;
}

std::optional<uint64_t> tensor_bytes(const GgufType& type, std::span<const int64_t> shape, std::string* why) {
  int64_t elements = 1;
  for (const int64_t n : shape) {
    if (__builtin_mul_overflow(elements, n, &elements)) {
      *why = "the product of its dimensions overflows 63 bits";
      return std::nullopt;
    }
  }
  const int64_t row = shape.empty() ? 1 : shape[0];
  if (row % type.block_values != 0) {
    *why = "its rows of " + count_of(static_cast<uint64_t>(row), "values are no multiple of ") + type.name +
           "'s block of " + std::to_string(type.block_values);
    return std::nullopt;
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(elements) / type.block_values, type.block_bytes, &bytes)) {
    *why = "its size in bytes overflows 64 bits";
    return std::nullopt;
  }
  return bytes;
}

GgufHeader parse_gguf_header(std::span<const std::byte> bytes, const std::string& path) {
  return HeaderParser(bytes, path).parse();
}

}  // namespace yoke
