#include "fuzz/gguf_walk.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/error.h"
#include "gguf/inspect.h"

namespace yoke::test {
namespace {

constexpr size_t kLongestMessage = 1000;

void check_message(const std::string& message) {
  const bool one_line = std::none_of(message.begin(), message.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (!one_line || message.empty() || message.size() > kLongestMessage || !message.starts_with("reading ")) {
    throw std::logic_error("a message is no printable line: " + message);
  }
}

// A lookup of the wrong type has to be refused with a line, too.
template <typename F>
size_t looked_up(F lookup) {
  try {
    return lookup();
  } catch (const Error& e) {
    check_message(e.what());
    return 1;
  }
}

size_t walk_value(const GgufValue& value) {
  const auto array = value.as_array();
  size_t sum = value.bytes().size();
  if (!array) return sum + value.as_u64().value_or(1) + static_cast<size_t>(value.as_bool().value_or(true));
  for (const GgufValue element : *array) sum += walk_value(element);
  return sum;
}

size_t walk_key(const GgufFile& f, const std::string& key) {
  size_t sum = 0;
  sum += looked_up([&] { return static_cast<size_t>(f.find_u64(key).value_or(0)); });
  sum += looked_up([&] { return static_cast<size_t>(f.find_i64(key).value_or(0)); });
  sum += looked_up([&] { return f.find_f64(key) > 0.0 ? size_t{1} : size_t{0}; });
  sum += looked_up([&] { return static_cast<size_t>(f.find_bool(key).value_or(false)); });
  sum += looked_up([&] { return f.find_string(key)->size(); });
  sum += looked_up([&] { return f.find_strings(key)->to_vector().size(); });
  sum += looked_up([&] { return f.find_floats(key)->to_vector().size(); });
  sum += looked_up([&] { return f.find_integers(key)->to_vector().size(); });
  return sum;
}

}  // namespace

MemoryFile::MemoryFile(std::span<const std::byte> bytes) : fd_(memfd_create("gguf", MFD_CLOEXEC)) {
  if (fd_ < 0) throw std::runtime_error("memfd_create failed");
  while (!bytes.empty()) {
    const ssize_t n = write(fd_, bytes.data(), bytes.size());
    if (n <= 0) throw std::runtime_error("cannot fill a memory file");
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

MemoryFile::~MemoryFile() {
  close(fd_);
}

size_t walk_completely(const GgufFile& file) {
  size_t sum = 0;
  for (const MetadataEntry& e : file.metadata()) sum += walk_value(e.value) + walk_key(file, e.key);
  for (const TensorInfo& t : file.tensors()) {
    if (file.find_tensor(t.name) != &t) throw std::logic_error("a tensor is not found by its name");
    if (t.data.size() != t.bytes || t.row_bytes() * static_cast<uint64_t>(t.rows()) != t.bytes) {
      throw std::logic_error("a tensor's bytes do not fit its shape");
    }
    for (const std::byte b : t.data) sum += std::to_integer<size_t>(b);
  }
  sum += inspect_text(file).size();
  sum += inspect_json(file).dump().size();
  return sum;
}

std::optional<std::string> try_gguf(std::span<const std::byte> bytes,
                                    const std::function<void(const GgufFile&)>& accepted) {
  const MemoryFile memory(bytes);
  try {
    accepted(GgufFile::open(memory.path()));
    return std::nullopt;
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kBadFile)
      throw std::logic_error(std::string("not a bad file's error: ") + e.what());
    check_message(e.what());
    return e.what();
  }
}

}  // namespace yoke::test
