#include "base/cache_folder.h"

#include <cstdlib>

namespace yoke {

std::string user_cache_folder() {
  // A relative path is to be ignored (XDG Base Directory Specification).
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && *xdg == '/') return std::string(xdg) + "/yoke";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.cache/yoke";
  return "";
}

}  // namespace yoke
