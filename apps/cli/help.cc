#include "help.h"

namespace yoke::cli {

HelpFormatter::HelpFormatter() {
  column_width(28);
  label("Positionals", "Arguments");
  label("Subcommands", "Commands");
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
  std::string text = Formatter::make_help(app, std::move(name), mode);
  for (size_t at; (at = text.find("\n\n\n")) != std::string::npos;) text.erase(at, 1);
  return text;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string line = "\nUsage: " + name;
  if (app->get_parent() == nullptr) return line + " COMMAND [arguments] [options]\n";
  for (const CLI::Option* option : app->get_options([](const CLI::Option* o) { return o->get_positional(); }))
    line += " " + option->get_name(true);
  return line + " [options]\n";
}

// CLI11 appends what a value is checked against; the description says it in words.
std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_positional()) return "";
  const std::string type = option->get_type_name();
  const std::string shown = type.substr(0, type.find(':'));
  return shown.empty() ? "" : " " + shown;
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  const std::string standard = option->get_default_str();
  return option->get_description() + (standard.empty() ? "" : " (default " + standard + ")");
}

}  // namespace yoke::cli
