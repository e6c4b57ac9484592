// Lines that a person types, with editing and a history on a terminal; from a pipe as they come.
#pragma once

#include <histedit.h>

#include <string>

namespace yoke::cli {

class LineReader {
 public:
  LineReader();
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  bool terminal() const { return terminal_; }
  // False at the end, and where Ctrl-C came instead of a line.
  bool next(std::string& line);

 private:
  bool terminal_;
  EditLine* edit_ = nullptr;
  History* history_ = nullptr;
};

}  // namespace yoke::cli
