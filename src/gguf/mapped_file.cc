#include "gguf/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "gguf/printable.h"

namespace yoke {
namespace {

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

std::string reason(int error) {
  return std::generic_category().message(error);
}

size_t page_bytes() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

[[noreturn]] void fail_open(const std::string& path, const std::string& wrong) {
  fail(ErrorKind::kBadFile, "reading " + printable(path, 400), wrong);
}

struct stat stat_of(const Descriptor& file, const std::string& path) {
  struct stat s;
  if (fstat(file.fd, &s) != 0) fail_open(path, reason(errno));
  if (S_ISDIR(s.st_mode)) fail_open(path, "it is a directory (name the .gguf file inside it)");
  if (!S_ISREG(s.st_mode)) fail_open(path, "it is not a regular file (a model has to be a file on disk)");
  if (s.st_size == 0) fail_open(path, "the file is empty (fetch it again)");
  return s;
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a pipe by mistake must not wait for a writer.
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0)
    fail_open(path, "cannot open it: " + reason(errno) + " (check the path and its permissions)");
  const struct stat s = stat_of(file, path);
  identity_ = {static_cast<uint64_t>(s.st_dev), static_cast<uint64_t>(s.st_ino),
               static_cast<uint64_t>(s.st_size),
               static_cast<int64_t>(s.st_mtim.tv_sec) * 1'000'000'000 + s.st_mtim.tv_nsec};
  const size_t size = identity_.size;
  void* memory = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.fd, 0);
  if (memory == MAP_FAILED)
    fail_open(path, "cannot map " + std::to_string(size) + " bytes: " + reason(errno));
  bytes_ = {static_cast<const std::byte*>(memory), size};
  guard_ = GuardedRange(memory, size, path);
}

MappedFile::~MappedFile() {
  guard_ = {};
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      bytes_(std::exchange(other.bytes_, {})),
      identity_(other.identity_),
      guard_(std::move(other.guard_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  std::swap(identity_, other.identity_);
  std::swap(guard_, other.guard_);
  return *this;
}

bool MappedFile::contains(std::span<const std::byte> range) const {
  const auto begin = reinterpret_cast<uintptr_t>(bytes_.data());
  const auto at = reinterpret_cast<uintptr_t>(range.data());
  return at >= begin && at - begin <= bytes_.size() && range.size() <= bytes_.size() - (at - begin);
}

// Both calls below are advice: the result of the program is the same when the system declines.
void MappedFile::release_pages(std::span<const std::byte> range) const {
  if (!contains(range)) return;
  const auto at = static_cast<size_t>(range.data() - bytes_.data());
  const size_t begin = (at + page_bytes() - 1) / page_bytes() * page_bytes();
  const size_t end = (at + range.size()) / page_bytes() * page_bytes();
  if (begin < end) madvise(const_cast<std::byte*>(bytes_.data()) + begin, end - begin, MADV_DONTNEED);
}

void MappedFile::prefetch(std::span<const std::byte> range) const {
  if (!contains(range) || range.empty()) return;
  const auto at = static_cast<size_t>(range.data() - bytes_.data());
  const size_t begin = at / page_bytes() * page_bytes();
  madvise(const_cast<std::byte*>(bytes_.data()) + begin, at + range.size() - begin, MADV_WILLNEED);
}

}  // namespace yoke
