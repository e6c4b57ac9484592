// Tests that want a Vulkan device: a build with Vulkan fails without one, a build without it skips them.
#pragma once

#define YOKE_NEED_VULKAN(has)                                                              \
  if (!(has)) {                                                                            \
    if (YOKE_WITH_VULKAN) FAIL() << "this build is with Vulkan, but there is no vulkan:0"; \
    GTEST_SKIP() << "this build is without Vulkan";                                        \
  }                                                                                        \
  static_assert(true, "takes the semicolon")
