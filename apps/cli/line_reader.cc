#include "line_reader.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace yoke::cli {

LineReader::LineReader() : terminal_(isatty(STDIN_FILENO) == 1) {
  if (!terminal_) return;
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
}

LineReader::~LineReader() {
  if (edit_) el_end(edit_);
  if (history_) history_end(history_);
}

bool LineReader::next(std::string& line) {
  if (!terminal_) return static_cast<bool>(std::getline(std::cin, line));
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
