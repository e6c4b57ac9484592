// The chat on a terminal, typed by a test.
#include <gmock/gmock.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "tiny_model.h"

namespace yoke::test {
namespace {

// The program on a terminal of its own.
class Terminal {
 public:
  explicit Terminal(const Arguments& arguments) {
    pid_ = forkpty(&terminal_, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      std::vector<char*> argv{const_cast<char*>(YOKE_PROGRAM)};
      for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
      argv.push_back(nullptr);
      setenv("TERM", "dumb", 1);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Terminal() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(terminal_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(const std::string& keys) const {
    ASSERT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  // Until the screen shows it; what was shown up to its end, from the last call on.
  std::string until(const std::string& text) {
    while (true) {
      if (const size_t at = seen_.find(text); at != std::string::npos) {
        const std::string before = seen_.substr(0, at + text.size());
        seen_.erase(0, at + text.size());
        return before;
      }
      pollfd fd{terminal_, POLLIN, 0};
      char buffer[4096];
      const ssize_t n = poll(&fd, 1, 60'000) == 1 ? read(terminal_, buffer, sizeof buffer) : 0;
      if (n <= 0) {
        ADD_FAILURE() << "\"" << text << "\" never came; the screen: " << seen_;
        return seen_;
      }
      seen_.append(buffer, static_cast<size_t>(n));
    }
  }
  // A program that does not end is killed after a silent minute.
  int exit_code() {
    char buffer[4096];
    pollfd fd{terminal_, POLLIN, 0};
    int ready = 0;
    while ((ready = poll(&fd, 1, 60'000)) == 1 && read(terminal_, buffer, sizeof buffer) > 0) {
    }
    if (ready == 0) kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string seen_;
};

TEST(Chat, CtrlCStopsTheAnswerAndCtrlDTheChat) {
  Terminal t({"run", TinyModel::untied(), "--temp", "0", "-c", "60000", "--raw"});
  t.until("> ");
  t.type("abc\r");
  t.until("abc\r\n");
  t.until("e");  // some of the answer
  t.type("\x03");
  t.until("cancelled]");
  t.until("> ");
  // At the prompt it only takes back the line.
  t.type("some words\x03");
  t.until("> ");
  t.type("\x04");
  EXPECT_EQ(t.exit_code(), 0);
}

// Ctrl-C may come at any moment around the prompt: none is lost.
TEST(Chat, ManyCtrlCAtThePromptEachTakeBackTheLine) {
  Terminal t({"run", TinyModel::tied(), "--temp", "0", "-n", "2"});
  t.until("> ");
  for (int i = 0; i < 50; ++i) {
    t.type("\x03");
    t.until("> ");
  }
  t.type("\x04");
  EXPECT_EQ(t.exit_code(), 0);
}

TEST(Chat, LettersOfSeveralBytesAreTyped) {
  Terminal t({"run", TinyModel::tied(), "--temp", "0", "-n", "2"});
  t.until("> ");
  t.type("gr\xc3\xbc\xc3\x9f \xe4\xbd\xa0\x7f\xe5\xa5\xbd\r");  // one taken back
  EXPECT_THAT(t.until("answer tokens"), testing::HasSubstr("gr\xc3\xbc\xc3\x9f "));
  t.until("> ");
  t.type("\x04");
  EXPECT_EQ(t.exit_code(), 0);
}

TEST(Chat, ATurnIsAnsweredWithWhatWasSaidBefore) {
  Terminal t({"run", TinyModel::tied(), "--temp", "0", "-n", "4"});
  t.until("> ");
  t.type("Hello\r");
  const std::string first = t.until("answer tokens");
  t.until("> ");
  t.type("Hello\r");
  const std::string second = t.until("answer tokens");
  const auto prompt_tokens = [](const std::string& shown) {
    return std::stoi(shown.substr(shown.rfind('[') + 1));
  };
  EXPECT_GT(prompt_tokens(second), 2 * prompt_tokens(first) - 4);
  t.until("> ");
  t.type("\x04");
  EXPECT_EQ(t.exit_code(), 0);
}

TEST(Chat, ATurnThatDoesNotFitDoesNotEndTheChat) {
  Terminal t({"run", TinyModel::tied(), "--temp", "0", "-n", "2", "-c", "64"});
  t.until("> ");
  t.type(std::string(100, 'q') + "\r");
  t.until("do not fit the context of 64");
  t.until("> ");
  t.type("q\r");
  t.until("answer tokens");
  t.until("> ");
  t.type("\x04");
  EXPECT_EQ(t.exit_code(), 0);
}

TEST(Chat, LinesFromAPipeAreTurnsToo) {
  const Result r = run({"run", TinyModel::tied(), "--temp", "0", "-n", "3"}, {.input = "one\n\ntwo\n"});
  EXPECT_EQ(r.code, 0);
  size_t answers = 0;
  for (size_t at = 0; (at = r.err.find("answer tokens", at)) != std::string::npos; ++at) ++answers;
  EXPECT_EQ(answers, 2);
}

}  // namespace
}  // namespace yoke::test
