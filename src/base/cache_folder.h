// Where the program keeps what it could make again.
#pragma once

#include <string>

namespace yoke {

// $XDG_CACHE_HOME/yoke, or ~/.cache/yoke; it may not exist yet. Empty where neither variable names a place.
std::string user_cache_folder();

}  // namespace yoke
