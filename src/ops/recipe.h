// The numeric recipes under the name that ops' readers look for; they stand in base/ because tensor/ needs
// them too.
#pragma once

#include "base/recipe.h"
