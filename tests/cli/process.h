// Runs the program as a person or a script would: arguments in; exit code, stdout and stderr out.
#pragma once

#include <sys/types.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace yoke::test {

using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

struct Result {
  int code = -1;  // exit code; -N: ended by signal N
  std::string out;
  std::string err;

  Json json() const { return Json::parse(out); }
};

struct Spawn {
  std::string input{};               // of stdin
  std::string stdout_path{};         // a file instead of a pipe, such as /dev/full
  std::function<void()> in_child{};  // between fork and exec
  std::string program{};             // another one than yoke
  int patience_s = 60;               // for the next output
};

// A running program. Ends with it, at the latest when destroyed.
class Process {
 public:
  explicit Process(const Arguments& arguments, const Spawn& spawn = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  // Returns once the program has a handler for the signal, which before would end it, or has ended.
  void wait_for_handler(int number) const;
  // Returns with what stdout has so far once there is something, or at its end.
  std::string wait_for_output();
  // Fails the test where nothing comes for too long.
  Result finish();

 private:
  bool read_some(int timeout_ms);

  pid_t pid_ = -1;
  int patience_ms_;
  int out_ = -1, err_ = -1;
  Result result_;
};

Result run(const Arguments& arguments, const Spawn& spawn = {});

// Fails the test unless the program ended with that code, one line "yoke: ..." on stderr and nothing on
// stdout. The line, without its end.
std::string expect_error(const Result& result, int code);
// Runs it with --json; fails the test unless it succeeds with one document.
Json run_json(Arguments arguments, const Spawn& spawn = {});

}  // namespace yoke::test
