#include "output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "base/error.h"

namespace yoke::cli {
namespace {

[[noreturn]] void fail_output(int error) {
  fail(ErrorKind::kRuntime, "writing to standard output",
       error != 0 ? std::strerror(error) : "it does not take what is written");
}

}  // namespace

void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // Reading gives the end, writing fails: what a closed stream would do.
    const int opened = open("/dev/null", O_RDONLY);
    if (opened >= 0 && opened != fd) {
      dup2(opened, fd);
      close(opened);
    }
  }
}

void print_json(const Json& document) {
  std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  finish_output();
}

void write_out(std::string_view text) {
  std::cout << text;
  finish_output();
}

void finish_output() {
  errno = 0;
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout) fail_output(errno);
}

}  // namespace yoke::cli
