#include "line_reader.h"

#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <cwchar>
#include <iostream>

#include "interrupt.h"

namespace yoke::cli {
namespace {

// False on Ctrl-C. libedit's own reading would lose one that comes just before its read().
bool wait_for_key() {
  std::array<pollfd, 2> fds{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{InterruptGuard::descriptor(), POLLIN, 0}};
  while (true) {
    const int ready = poll(fds.data(), fds.size(), -1);
    if (ready < 0 && errno != EINTR) return true;  // read() tells what is wrong
    if (fds[1].revents != 0 || InterruptGuard::interrupted()) return false;
    if (ready > 0 && fds[0].revents != 0) return true;
  }
}

// One character for libedit: 1, or 0 at the end of the input, or -1 for an error or Ctrl-C.
int read_character(EditLine*, wchar_t* character) {
  std::mbstate_t state{};
  while (true) {
    if (!wait_for_key()) {
      errno = EINTR;
      return -1;
    }
    char byte = 0;
    const ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n <= 0) return static_cast<int>(n);
    const size_t length = std::mbrtowc(character, &byte, 1, &state);
    if (length == static_cast<size_t>(-2)) continue;  // more bytes to come
    if (length == static_cast<size_t>(-1)) {          // not UTF-8: dropped
      state = {};
      continue;
    }
    return 1;
  }
}

// The characters typed are UTF-8 whatever the environment says; numbers keep their dots.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

LineReader::LineReader() : terminal_(isatty(STDIN_FILENO) == 1) {
  if (!terminal_) return;
  use_utf8();
  edit_ = el_init("yoke", stdin, stderr, stderr);
  history_ = history_init();
  HistEvent event;
  history(history_, &event, H_SETSIZE, 1000);
  el_set(
      edit_, EL_PROMPT, +[](EditLine*) -> char* {
        static char prompt[] = "> ";
        return prompt;
      });
  el_set(edit_, EL_EDITOR, "emacs");
  el_set(edit_, EL_HIST, history, history_);
  el_set(edit_, EL_SIGNAL, 0);
  el_set(edit_, EL_GETCFN, read_character);
}

LineReader::~LineReader() {
  if (edit_) el_end(edit_);
  if (history_) history_end(history_);
}

bool LineReader::next(std::string& line) {
  if (!terminal_) return static_cast<bool>(std::getline(std::cin, line));
  // Before the prompt shows: a Ctrl-D that comes in between would be lost in the change of modes.
  el_set(edit_, EL_PREP_TERM, 1);
  int count = 0;
  const char* read = el_gets(edit_, &count);
  if (!read || count <= 0) return false;
  line.assign(read, static_cast<size_t>(count));
  if (line.ends_with('\n')) line.pop_back();
  HistEvent event;
  if (!line.empty()) history(history_, &event, H_ENTER, line.c_str());
  return true;
}

}  // namespace yoke::cli
