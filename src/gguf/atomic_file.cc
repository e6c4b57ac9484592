#include "gguf/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "gguf/printable.h"

namespace yoke {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

std::string way_out(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return " (free some space or choose another folder)";
    case EFBIG:
      return " (the file system or a limit of this process allows no file of that size; choose another "
             "folder)";
    case EFAULT:
      return " (the source file became unreadable while it was copied; restore it)";
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
      return " (choose a folder that exists and may be written to)";
    default:
      return " (check the disk)";
  }
}

// A file must not replace a device, a pipe or a folder.
std::string checked_target(const std::string& path) {
  struct stat s;
  const std::string doing = "writing " + printable(path, 400);
  if (path.empty()) fail(ErrorKind::kRuntime, "writing a file", "its name is empty (name the file)");
  if (stat(path.c_str(), &s) != 0) return path;
  if (S_ISDIR(s.st_mode)) fail(ErrorKind::kRuntime, doing, "it is a directory (name a file inside it)");
  if (!S_ISREG(s.st_mode)) fail(ErrorKind::kRuntime, doing, "it is not a regular file (name another file)");
  std::error_code error;
  const auto resolved = std::filesystem::canonical(path, error);
  return error ? path : resolved.string();
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string fresh_name(const std::string& target) {
  static std::atomic<unsigned> counter{0};
  return target + ".partial-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
}

std::string path_of_descriptor(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path, uint64_t expected_bytes, Temporary temporary)
    : path_(path), target_(checked_target(path)) {
  if (temporary == Temporary::kUnnamedIfPossible) open_unnamed(folder_of(target_));
  if (fd_ < 0) open_named();
  buffer_.reserve(kBufferBytes);
  try {
    reserve(expected_bytes);
  } catch (...) {
    discard();
    throw;
  }
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_path_.empty()) unlink(temporary_path_.c_str());
}

void AtomicFile::fail_write(const std::string& doing_what, int error) const {
  fail(ErrorKind::kRuntime, "writing " + printable(path_, 400),
       doing_what + ": " + std::generic_category().message(error) + way_out(error));
}

void AtomicFile::open_unnamed(const std::string& folder) {
  fd_ = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (fd_ < 0) return;
  // The name is given through /proc at the end; without it a named file has to do.
  if (access(path_of_descriptor(fd_).c_str(), F_OK) == 0) return;
  close(fd_);
  fd_ = -1;
}

void AtomicFile::open_named() {
  for (int attempts = 0; fd_ < 0 && attempts < 100; ++attempts) {
    temporary_path_ = fresh_name(target_);
    fd_ = open(temporary_path_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST) break;
  }
  if (fd_ >= 0) return;
  const int error = errno;
  temporary_path_.clear();
  fail_write("cannot create it", error);
}

void AtomicFile::reserve(uint64_t bytes) {
  if (bytes == 0) return;
  int result;
  do {
    result = fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
    fail_write("cannot reserve " + std::to_string(bytes) + " bytes", errno);
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  const uint64_t offset = position_;
  position_ += bytes.size();
  if (bytes.size() >= kBufferBytes) return write_through(offset, bytes);
  const size_t old = buffer_.size();
  buffer_.resize(old + bytes.size());
  std::memcpy(buffer_.data() + old, bytes.data(), bytes.size());
}

void AtomicFile::flush() {
  write_through(position_ - buffer_.size(), buffer_);
  buffer_.clear();
}

void AtomicFile::write_through(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_write("cannot write", n == 0 ? ENOSPC : errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
}

void AtomicFile::write_at(uint64_t offset, std::span<const std::byte> bytes) {
  flush();
  position_ = std::max(position_, offset + bytes.size());
  write_through(offset, bytes);
}

void AtomicFile::commit() {
  flush();
  // Gives back what was reserved and not used.
  if (ftruncate(fd_, static_cast<off_t>(position_)) != 0) fail_write("cannot set its size", errno);
  if (fsync(fd_) != 0) fail_write("cannot bring it to the disk", errno);
  if (temporary_path_.empty()) {
    const std::string name = fresh_name(target_);
    if (linkat(AT_FDCWD, path_of_descriptor(fd_).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      fail_write("cannot name it", errno);
    }
    temporary_path_ = name;
  }
  const int closed = close(fd_);
  fd_ = -1;
  if (closed != 0) fail_write("cannot close it", errno);
  if (rename(temporary_path_.c_str(), target_.c_str()) != 0) fail_write("cannot rename it", errno);
  temporary_path_.clear();
  sync_folder();
}

// Brings the new name to the disk; the data are there already, so that a failure costs nothing but the name
// after a power cut.
void AtomicFile::sync_folder() const {
  const int folder = open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);
  close(folder);
}

}  // namespace yoke
