// How `--help` looks: an option with the kind of its value, what it does and its default, a line or two each.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace yoke::cli {

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace yoke::cli
