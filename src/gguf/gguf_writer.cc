#include "gguf/gguf_writer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/error.h"
#include "gguf/atomic_file.h"
#include "gguf/byte_reader.h"
#include "gguf/byte_sink.h"
#include "gguf/printable.h"

namespace yoke {
namespace {

constexpr uint32_t kVersion = 3;

uint64_t align_up(uint64_t n, uint64_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

// What this writer writes, its reader must accept.
std::string fault_of(const EncodedValue& value) {
  ByteReader reader(value.bytes);
  try {
    skip_value(reader, value.type);
  } catch (const Malformed& m) {
    return m.what;
  }
  return reader.remaining() == 0 ? "" : "it has bytes past its end";
}

}  // namespace

GgufWriter::GgufWriter(std::string path) : path_(std::move(path)) {}

GgufWriter::~GgufWriter() = default;

void GgufWriter::fail_writing(const std::string& wrong) const {
  fail(ErrorKind::kRuntime, "writing " + printable(path_, 400), wrong);
}

void GgufWriter::check_not_begun() const {
  if (file_ || finished_) fail_writing("the header is already written (set and declare everything first)");
}

void GgufWriter::set(const std::string& key, EncodedValue value) {
  check_not_begun();
  if (key.empty() || key.size() > kMaxKeyBytes) fail_writing("a metadata key must have 1 to 65535 bytes");
  if (const std::string fault = fault_of(value); !fault.empty()) fail_writing(printable(key) + ": " + fault);
  if (key == "general.alignment") {
    const uint64_t alignment = value.view().as_u64().value_or(0);
    if (!std::has_single_bit(alignment) || alignment < 8 || alignment > kMaxGgufAlignment) {
      fail_writing("general.alignment: it must be a power of two from 8 to 2^30");
    }
    alignment_ = alignment;
  }
  const auto [at, fresh] = entry_index_.emplace(key, entries_.size());
  if (fresh) {
    entries_.push_back({key, std::move(value)});
  } else {
    entries_[at->second].value = std::move(value);
  }
}

void GgufWriter::set(const std::string& key, const GgufValue& value) {
  set(key, EncodedValue{value.type(), {value.bytes().begin(), value.bytes().end()}});
}

void GgufWriter::declare(const std::string& name, uint32_t type_id, std::span<const int64_t> shape) {
  check_not_begun();
  const std::string of = "tensor " + printable(name) + ": ";
  if (name.empty() || name.size() > kMaxTensorNameBytes)
    fail_writing(of + "a name must have 1 to 1024 bytes");
  TensorInfo t;
  t.name = name;
  t.type = find_gguf_type(type_id);
  if (t.type == nullptr) fail_writing(of + "type id " + std::to_string(type_id) + " is unknown");
  if (shape.size() > t.shape.size()) fail_writing(of + "at most four dimensions are allowed");
  if (std::any_of(shape.begin(), shape.end(), [](int64_t n) { return n <= 0; })) {
    fail_writing(of + "every dimension must be positive");
  }
  t.rank = static_cast<int>(shape.size());
  std::copy(shape.begin(), shape.end(), t.shape.begin());
  std::string why;
  const auto bytes = tensor_bytes(*t.type, t.shape, &why);
  if (!bytes) fail_writing(of + why);
  t.bytes = *bytes;
  if (!tensor_index_.emplace(name, tensors_.size()).second) fail_writing(of + "the name is there twice");
  tensors_.push_back(std::move(t));
}

std::vector<std::byte> GgufWriter::header_bytes() const {
  ByteSink out;
  out.bytes(std::as_bytes(std::span("GGUF", 4)));
  out.number<uint32_t>(kVersion);
  out.number<uint64_t>(tensors_.size());
  out.number<uint64_t>(entries_.size());
  for (const Entry& e : entries_) {
    out.text(e.key);
    out.number(static_cast<uint32_t>(e.value.type));
    out.bytes(e.value.bytes);
  }
  uint64_t offset = 0;
  for (const TensorInfo& t : tensors_) {
    out.text(t.name);
    out.number(static_cast<uint32_t>(t.rank));
    for (int d = 0; d < t.rank; ++d) out.number(static_cast<uint64_t>(t.shape[static_cast<size_t>(d)]));
    out.number(t.type_id());
    out.number(offset);
    offset = align_up(offset + t.bytes, alignment_);
  }
  return out.take();
}

uint64_t GgufWriter::total_bytes() const {
  uint64_t total = header_bytes().size();
  if (!tensors_.empty()) total = align_up(total, alignment_);
  for (const TensorInfo& t : tensors_) total = align_up(total + t.bytes, alignment_);
  return total;
}

void GgufWriter::begin() {
  check_not_begun();
  file_ = std::make_unique<AtomicFile>(path_, total_bytes());
  file_->write(header_bytes());
  if (!tensors_.empty()) pad_to_alignment();
}

void GgufWriter::pad_to_alignment() {
  const std::vector<std::byte> zeros(align_up(file_->position(), alignment_) - file_->position());
  file_->write(zeros);
}

void GgufWriter::append(std::span<const std::byte> bytes) {
  if (!file_) begin();
  if (bytes.empty()) return;
  if (tensor_ == tensors_.size()) fail_writing("more data than the declared tensors hold");
  const TensorInfo& t = tensors_[tensor_];
  if (bytes.size() > t.bytes - tensor_done_) {
    fail_writing("tensor " + printable(t.name) + ": more data than its " + std::to_string(t.bytes) +
                 " bytes");
  }
  file_->write(bytes);
  tensor_done_ += bytes.size();
  if (tensor_done_ < t.bytes) return;
  pad_to_alignment();
  ++tensor_;
  tensor_done_ = 0;
}

void GgufWriter::finish() {
  if (!file_) begin();
  if (tensor_ < tensors_.size()) {
    fail_writing("tensor " + printable(tensors_[tensor_].name) + ": only " + std::to_string(tensor_done_) +
                 " of its " + std::to_string(tensors_[tensor_].bytes) + " bytes were given");
  }
  file_->commit();
  file_.reset();
  finished_ = true;
}

}  // namespace yoke
