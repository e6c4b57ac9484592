#include "process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace yoke::test {
namespace {

std::vector<char*> argv_of(const std::string& program, const Arguments& arguments) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  return argv;
}

// Small enough to lie in the pipe's buffer.
int input_pipe(const std::string& text) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
  [[maybe_unused]] const ssize_t written = write(ends[1], text.data(), text.size());
  close(ends[1]);
  return ends[0];
}

}  // namespace

Process::Process(const Arguments& arguments, const Spawn& spawn) : patience_ms_(1000 * spawn.patience_s) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("no pipes");
  const int in = input_pipe(spawn.input);
  const std::string program = spawn.program.empty() ? YOKE_PROGRAM : spawn.program;
  const std::vector<char*> argv = argv_of(program, arguments);
  pid_ = fork();
  if (pid_ == 0) {
    ::signal(SIGINT, SIG_DFL);
    dup2(in, STDIN_FILENO);
    dup2(spawn.stdout_path.empty() ? out[1] : open(spawn.stdout_path.c_str(), O_WRONLY), STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    if (spawn.in_child) spawn.in_child();
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(in);
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

void Process::signal(int number) const {
  kill(pid_, number);
}

void Process::wait_for_handler(int number) const {
  for (int waited_ms = 0; waited_ms < patience_ms_; ++waited_ms) {
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    bool ended = !status;
    uint64_t caught = 0;
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("State:")) ended = line.find('Z') != std::string::npos;
      if (line.starts_with("SigCgt:")) caught = std::stoull(line.substr(7), nullptr, 16);
    }
    if (ended || (caught >> (number - 1) & 1) != 0) return;
    usleep(1000);
  }
}

// False once both pipes have ended, or where nothing came in time.
bool Process::read_some(int timeout_ms) {
  pollfd fds[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};  // poll passes over an fd of -1
  if (out_ < 0 && err_ < 0) return false;
  if (poll(fds, 2, timeout_ms) <= 0) return false;
  for (int i = 0; i < 2; ++i) {
    if (fds[i].revents == 0) continue;
    char buffer[65536];
    const ssize_t n = read(fds[i].fd, buffer, sizeof buffer);
    int& fd = i == 0 ? out_ : err_;
    if (n > 0) {
      (i == 0 ? result_.out : result_.err).append(buffer, static_cast<size_t>(n));
    } else {
      close(fd);
      fd = -1;
    }
  }
  return true;
}

std::string Process::wait_for_output() {
  while (result_.out.empty() && out_ >= 0 && read_some(patience_ms_)) {
  }
  return result_.out;
}

Result Process::finish() {
  while (read_some(patience_ms_)) {
  }
  if (out_ >= 0 || err_ >= 0) {
    ADD_FAILURE() << "the program said nothing for too long";
    kill(pid_, SIGKILL);
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  result_.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return result_;
}

Result run(const Arguments& arguments, const Spawn& spawn) {
  return Process(arguments, spawn).finish();
}

std::string expect_error(const Result& r, int code) {
  EXPECT_EQ(r.code, code) << r.err;
  EXPECT_EQ(r.out, "");
  EXPECT_TRUE(r.err.starts_with("yoke: ")) << r.err;
  EXPECT_EQ(r.err.find('\n'), r.err.size() - 1) << r.err;
  return r.err.substr(0, r.err.find('\n'));
}

Json run_json(Arguments arguments, const Spawn& spawn) {
  arguments.push_back("--json");
  const Result r = run(arguments, spawn);
  EXPECT_EQ(r.code, 0) << r.err;
  return Json::parse(r.out);
}

}  // namespace yoke::test
