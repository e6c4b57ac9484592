#include "gguf/gguf_file.h"

#include <unistd.h>

#include <limits>
#include <utility>

#include "base/error.h"
#include "gguf/printable.h"
#include "gguf/split.h"

namespace yoke {
namespace {

struct Shard {
  MappedFile file;
  GgufHeader header;
};

[[noreturn]] void fail_file(const std::string& path, const std::string& wrong) {
  fail(ErrorKind::kBadFile, "reading " + printable(path, 400), wrong);
}

Shard open_shard(const std::string& path) {
  MappedFile file(path);
  GgufHeader header = parse_gguf_header(file.bytes(), path);
  return {std::move(file), std::move(header)};
}

// The names of a split model's shards, given the one that was opened.
SplitName split_name(const std::string& path, const SplitPlace& place) {
  const auto name = SplitName::parse(path);
  const std::string of = std::to_string(place.index + 1) + " of " + std::to_string(place.count);
  if (!name) {
    fail_file(
        path,
        "split.count: this is shard " + of +
            ", but the file's name does not end in -00001-of-00003.gguf or the like (give it its name back)");
  }
  if (name->count != place.count || name->number != place.index + 1) {
    fail_file(path, "split.no: the file's name says shard " + std::to_string(name->number) + " of " +
                        std::to_string(name->count) + ", its metadata say " + of +
                        " (give it its name back)");
  }
  return *name;
}

Shard open_sibling(const SplitName& name, uint64_t index) {
  const std::string path = name.path_of(index + 1);
  if (access(path.c_str(), F_OK) != 0) {
    fail_file(path, "shard " + std::to_string(index + 1) + " of " + std::to_string(name.count) +
                        " is missing (put all shards into one folder)");
  }
  Shard shard = open_shard(path);
  const SplitPlace place = split_place(shard.header.metadata, path);
  if (place.count != name.count || place.index != index) {
    fail_file(path, "split.no: its metadata say shard " + std::to_string(place.index + 1) + " of " +
                        std::to_string(place.count) + ", not " + std::to_string(index + 1) + " of " +
                        std::to_string(name.count) + " (it belongs to another model; fetch it again)");
  }
  return shard;
}

}  // namespace

GgufFile GgufFile::open(const std::string& path) {
  GgufFile model;
  model.path_ = path;
  Shard given = open_shard(path);
  const SplitPlace place = split_place(given.header.metadata, path);
  if (place.count == 1) {
    model.add_shard(std::move(given.file), std::move(given.header));
    return model;
  }
  const SplitName name = split_name(path, place);
  std::vector<Shard> shards;
  for (uint64_t i = 0; i < place.count; ++i) {
    if (i != place.index) shards.push_back(open_sibling(name, i));
  }
  shards.insert(shards.begin() + static_cast<std::ptrdiff_t>(place.index), std::move(given));
  const auto total_tensors = split_place(shards[0].header.metadata, shards[0].file.path()).total_tensors;
  for (Shard& s : shards) model.add_shard(std::move(s.file), std::move(s.header));
  if (total_tensors && *total_tensors != model.tensors_.size()) {
    fail_file(path, "split.tensors.count: the shards hold " + std::to_string(model.tensors_.size()) +
                        " tensors, not " + std::to_string(*total_tensors) +
                        " (a shard belongs to another model; fetch them again)");
  }
  return model;
}

void GgufFile::add_shard(MappedFile file, GgufHeader header) {
  const size_t shard = files_.size();
  if (shard == 0) {
    version_ = header.version;
    alignment_ = header.alignment;
    metadata_ = std::move(header.metadata);
  }
  for (TensorInfo& t : header.tensors) {
    t.shard = shard;
    if (!tensor_index_.emplace(t.name, tensors_.size()).second) {
      fail_file(file.path(),
                "tensor " + printable(t.name) + ": another shard has it too (fetch the model again)");
    }
    tensors_.push_back(std::move(t));
  }
  files_.push_back(std::move(file));
}

uint64_t GgufFile::total_bytes() const {
  uint64_t total = 0;
  for (const MappedFile& f : files_) total += f.bytes().size();
  return total;
}

std::vector<FileIdentity> GgufFile::identity() const {
  std::vector<FileIdentity> all;
  for (const MappedFile& f : files_) all.push_back(f.identity());
  return all;
}

void GgufFile::fail_key(std::string_view key, const std::string& wrong) const {
  fail_file(files_[0].path(), printable(key) + ": " + wrong);
}

void GgufFile::fail_type(std::string_view key, const GgufValue& value, const char* wanted) const {
  std::string is = name_of(value.type());
  if (const auto array = value.as_array()) is += std::string(" of ") + name_of(array->element_type());
  if (const auto n = value.as_i64()) is += " " + std::to_string(*n);
  fail_key(key, std::string(wanted) + " is expected, it is " + is + " (convert the model again)");
}

std::optional<uint64_t> GgufFile::find_u64(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (!v->as_u64()) fail_type(key, *v, "an unsigned integer");
  return v->as_u64();
}

std::optional<int64_t> GgufFile::find_i64(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (!v->as_i64()) fail_type(key, *v, "an integer below 2^63");
  return v->as_i64();
}

std::optional<double> GgufFile::find_f64(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (!v->as_f64()) fail_type(key, *v, "a number");
  return v->as_f64();
}

std::optional<bool> GgufFile::find_bool(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (!v->as_bool()) fail_type(key, *v, "a bool");
  return v->as_bool();
}

std::optional<std::string_view> GgufFile::find_string(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (!v->as_string()) fail_type(key, *v, "a string");
  return v->as_string();
}

std::optional<GgufArray> GgufFile::find_array(std::string_view key) const {
  const GgufValue* v = find(key);
  if (v == nullptr) return std::nullopt;
  if (!v->as_array()) fail_type(key, *v, "an array");
  return v->as_array();
}

std::optional<GgufStrings> GgufFile::find_strings(std::string_view key) const {
  const auto array = find_array(key);
  if (!array) return std::nullopt;
  if (array->element_type() != GgufValueType::kString) fail_type(key, *find(key), "an array of strings");
  return GgufStrings(*array);
}

std::optional<GgufNumbers<float>> GgufFile::find_floats(std::string_view key) const {
  const auto array = find_array(key);
  if (!array) return std::nullopt;
  if (!is_float(array->element_type())) fail_type(key, *find(key), "an array of floats");
  return GgufNumbers<float>(*array);
}

std::optional<GgufNumbers<int64_t>> GgufFile::find_integers(std::string_view key) const {
  const auto array = find_array(key);
  if (!array) return std::nullopt;
  const GgufValueType element = array->element_type();
  if (!is_integer(element) && element != GgufValueType::kBool)
    fail_type(key, *find(key), "an array of integers");
  if (element == GgufValueType::kUint64) {
    for (const GgufValue v : *array) {
      if (!v.as_i64())
        fail_key(key,
                 "element " + std::to_string(*v.as_u64()) + " is 2^63 or more (convert the model again)");
    }
  }
  return GgufNumbers<int64_t>(*array);
}

const TensorInfo* GgufFile::find_tensor(std::string_view name) const {
  const auto at = tensor_index_.find(std::string(name));
  return at == tensor_index_.end() ? nullptr : &tensors_[at->second];
}

void GgufFile::release_pages(std::span<const std::byte> range) const {
  for (const MappedFile& f : files_) f.release_pages(range);
}

void GgufFile::prefetch(std::span<const std::byte> range) const {
  for (const MappedFile& f : files_) f.prefetch(range);
}

}  // namespace yoke
