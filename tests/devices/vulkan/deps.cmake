set(YOKE_TEST_DEPS yoke_vulkan yoke_conformance yoke_program)
if(NOT YOKE_VULKAN)  # nothing to test in such a build
  set(quick_sources "")
  set(helper_sources "")
  set(slow_sources "")
endif()
